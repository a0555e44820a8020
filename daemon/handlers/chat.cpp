#include "daemon/handlers/answer.hpp"
#include "daemon/handlers/body.hpp"
#include "daemon/handlers/inference.hpp"
#include "daemon/handlers/messages.hpp"
#include "daemon/handlers/prompt.hpp"
#include "daemon/handlers/requests.hpp"
#include "daemon/handlers/routes.hpp"
#include "daemon/planning/history.hpp"

#include <algorithm>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

/// Refuses what this model cannot do, before it is loaded for it.
void check(const Target& target, const ChatRequest& request) {
    require_capability(target, "completion", "chat");
    if (!request.tools.empty()) {
        require_capability(target, "tools", "tools");
    }
    if (has_images(request.messages)) {
        require_capability(target, "vision", "images");
    }
    if (request.think.wanted.value_or(false)) {
        require_capability(target, "thinking", "thinking");
    }
}

asio::awaitable<void> chat(Services& services, http::Request http_request, http::ResponseWriter& out) {
    const auto begun = std::chrono::steady_clock::now();
    const std::size_t size = http_request.body.size();
    auto parse = [text = std::move(http_request.body)] { return parse_chat(parse_ordered_object(text)); };
    ChatRequest request = co_await run_sized(services, size, std::move(parse));
    const CommonFields common = request.common;
    const Target target =
        co_await find_target(services, common.model, common.backend, std::move(http_request.app));
    const AnswerShape shape{AnswerShape::Kind::chat, target.shown};
    if (request.messages.empty()) {
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
    auto build = [request = std::move(request), target, options, backend = lease->plugin().name]() mutable {
        Json messages = with_model_messages(target, std::move(request.messages), std::nullopt);
        Json body = chat_body(std::move(messages), request.tools, request.format, request.think, options);
        add_logprobs(request.logprobs, false, body);
        add_backend_options(options, backend, body);
        return to_text(body);
    };
    std::string body = co_await run_sized(services, size, std::move(build));
    AnswerStream answer(co_await lease->request("chat", std::move(body)));
    const Piece whole = co_await relay(answer, shape, common.stream, out);
    if (target.model) {
        services.history.note_run(*target.model, *lease, answer.metrics());
    }
    Json last = shape.last(common.stream ? Piece() : whole, answer.metrics(), begun, lease->load_duration());
    co_await finish(std::move(last), common.stream, out);
}

} // namespace

void add_chat_routes(http::Router& router, Services& services) {
    auto handler = [&services](http::Request request, http::ResponseWriter& out) {
        return chat(services, std::move(request), out);
    };
    router.add({"POST", "/api/chat", http::Access::infer, http::BodySize::large, handler});
}

} // namespace hearth::daemon
