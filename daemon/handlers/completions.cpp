#include "daemon/handlers/answer.hpp"
#include "daemon/handlers/body.hpp"
#include "daemon/handlers/completion_request.hpp"
#include "daemon/handlers/inference.hpp"
#include "daemon/handlers/routes.hpp"

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

asio::awaitable<void> stream_answer(AnswerStream& answer, CompletionRequest request,
                                    http::ResponseWriter& out) {
    CompletionShape shape(request);
    out.begin_sse();
    if (request.echo) {
        Piece prompt;
        prompt.text = request.prompt.get<std::string>();
        Json event = shape.object(prompt, nullptr);
        co_await out.write_json(std::move(event));
    }
    while (auto piece = co_await answer.next()) {
        Json event = shape.object(*piece, nullptr);
        co_await out.write_json(std::move(event));
    }
    const AnswerMetrics metrics = answer.metrics();
    const Piece nothing;
    Json last = shape.object(nothing, metrics.done_reason);
    co_await out.write_json(std::move(last));
    if (request.include_usage) {
        Json usage = shape.usage_object(metrics);
        co_await out.write_json(std::move(usage));
    }
    co_await out.write_raw("data: [DONE]\n\n");
}

asio::awaitable<void> send_answer(AnswerStream& answer, CompletionRequest request,
                                  http::ResponseWriter& out) {
    CompletionShape shape(request);
    Piece whole;
    whole.text = request.echo ? request.prompt.get<std::string>() : "";
    while (auto piece = co_await answer.next()) {
        whole.add(std::move(*piece));
    }
    const AnswerMetrics metrics = answer.metrics();
    Json object = shape.object(whole, metrics.done_reason);
    object["usage"] = CompletionShape::usage(metrics);
    co_await out.send_json(200, std::move(object));
}

asio::awaitable<void> complete(Services& services, http::Request http_request, http::ResponseWriter& out) {
    const std::size_t size = http_request.body.size();
    auto parse = [text = std::move(http_request.body)] { return parse_completion(parse_object(text)); };
    CompletionRequest request = co_await run_sized(services, size, std::move(parse));
    const Target target =
        co_await find_target(services, request.model, request.backend, std::move(http_request.app));
    request.model = target.shown;
    require_capability(target, "completion", "completions");
    runtime::LoadOptions load = model_load_options(target, request.backend);
    const Lease lease = co_await acquire(services, target, std::move(load), request.keep_alive);
    out.set_header("Hearth-Backend", lease->plugin().name);
    auto build = [request, target] { return to_text(completion_body(request, target)); };
    std::string body = co_await run_sized(services, size, std::move(build));
    AnswerStream answer(co_await lease->request("complete", std::move(body)));
    if (request.stream) {
        co_await stream_answer(answer, std::move(request), out);
    } else {
        co_await send_answer(answer, std::move(request), out);
    }
}

} // namespace

void add_completion_routes(http::Router& router, Services& services) {
    auto handler = [&services](http::Request request, http::ResponseWriter& out) {
        return complete(services, std::move(request), out);
    };
    router.add({"POST", "/v1/completions", http::Access::infer, http::BodySize::large, handler});
}

} // namespace hearth::daemon
