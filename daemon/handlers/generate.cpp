#include "base/error.hpp"
#include "base/log.hpp"
#include "daemon/handlers/answer.hpp"
#include "daemon/handlers/body.hpp"
#include "daemon/handlers/context.hpp"
#include "daemon/handlers/inference.hpp"
#include "daemon/handlers/prompt.hpp"
#include "daemon/handlers/requests.hpp"
#include "daemon/handlers/routes.hpp"
#include "daemon/planning/history.hpp"

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

/// Refuses what this model cannot do, before it is loaded for it.
void check(const Target& target, const GenerateRequest& request) {
    require_capability(target, "completion", "generate");
    if (!request.suffix.empty()) {
        throw Error(ErrorCode::unsupported, "\"" + target.name + "\" does not support insert",
                    "\"suffix\" is not served yet");
    }
    if (!request.images.empty()) {
        require_capability(target, "vision", "images");
    }
    if (request.think.wanted.value_or(false)) {
        require_capability(target, "thinking", "thinking");
    }
}

/// An operation and its body.
struct Operation {
    std::string name;
    std::string body;
};

asio::awaitable<Operation> prepare(Services& services, GenerateRequest request, Target target,
                                   Options options, runtime::RunnerLease& lease) {
    std::size_t size = request.prompt.size();
    for (const std::string& image : request.images) {
        size += image.size();
    }
    Json prompt = request.prompt;
    if (!request.raw && !request.context.empty()) {
        prompt = co_await continue_context(lease, request, target);
    }
    const auto plain = plain_prompt(request, target);
    if (plain && !request.raw && !prompt.is_array()) {
        prompt = *plain;
    }
    const bool complete = request.raw || prompt.is_array() || plain;
    auto build = [complete, prompt = std::move(prompt), request = std::move(request),
                  target = std::move(target), options = std::move(options),
                  backend = lease.plugin().name]() mutable {
        Json body = complete ? complete_body(std::move(prompt), request.format, options)
                             : chat_body(generate_messages(request, target), Json::array(), request.format,
                                         request.think, options);
        add_logprobs(request.logprobs, complete, body);
        add_backend_options(options, backend, body);
        return to_text(body);
    };
    Operation operation{complete ? "complete" : "chat", ""};
    operation.body = co_await run_sized(services, size, std::move(build));
    co_return operation;
}

asio::awaitable<void> generate(Services& services, http::Request http_request, http::ResponseWriter& out) {
    const auto begun = std::chrono::steady_clock::now();
    const std::size_t size = http_request.body.size();
    auto parse = [text = std::move(http_request.body)] { return parse_generate(parse_ordered_object(text)); };
    const GenerateRequest request = co_await run_sized(services, size, std::move(parse));
    const CommonFields& common = request.common;
    const Target target =
        co_await find_target(services, common.model, common.backend, std::move(http_request.app));
    const AnswerShape shape{AnswerShape::Kind::generate, target.shown};
    if (request.is_load()) {
        const std::string reason = co_await load_or_unload(services, target, common, out);
        Json done = shape.done(reason);
        co_await finish(std::move(done), common.progress, out);
        co_return;
    }
    check(target, request);
    Options options = options_of(target, common);
    apply_ollama_defaults(options);
    const Lease lease = co_await acquire_telling(services, target, options.load, common, out);
    out.set_header("Hearth-Backend", lease->plugin().name);
    Operation operation = co_await prepare(services, request, target, options, *lease);
    AnswerStream answer(co_await lease->request(std::move(operation.name), std::move(operation.body)));
    const Piece whole = co_await relay(answer, shape, common.stream, out);
    if (target.model) {
        services.history.note_run(*target.model, *lease, answer.metrics());
    }
    Json last = shape.last(common.stream ? Piece() : whole, answer.metrics(), begun, lease->load_duration());
    if (!request.raw) {
        Json context = co_await context_of(*lease, request, target, whole.text);
        if (!context.empty()) {
            last["context"] = std::move(context);
        }
    }
    co_await finish(std::move(last), common.stream, out);
}

} // namespace

void add_generate_routes(http::Router& router, Services& services) {
    auto handler = [&services](http::Request request, http::ResponseWriter& out) {
        return generate(services, std::move(request), out);
    };
    router.add({"POST", "/api/generate", http::Access::infer, http::BodySize::large, handler});
}

} // namespace hearth::daemon
