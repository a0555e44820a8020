#include "base/error.hpp"
#include "daemon/handlers/anthropic_answer.hpp"
#include "daemon/handlers/anthropic_request.hpp"
#include "daemon/handlers/body.hpp"
#include "daemon/handlers/inference.hpp"
#include "daemon/handlers/messages.hpp"
#include "daemon/handlers/routes.hpp"

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

/// A request whose model is known and can do what is asked.
struct Prepared {
    AnthropicRequest request;
    Target target;
    std::size_t size = 0; ///< of the body, in bytes
};

asio::awaitable<Prepared> prepare(Services& services, http::Request http_request, AnthropicCall call,
                                  http::ResponseWriter& out) {
    Prepared prepared;
    prepared.size = http_request.body.size();
    auto parse = [text = std::move(http_request.body), call] {
        return parse_anthropic(parse_ordered_object(text), call);
    };
    prepared.request = co_await run_sized(services, prepared.size, std::move(parse));
    OpenAiChat& chat = prepared.request.chat;
    prepared.target = co_await find_target(services, chat.model, chat.backend, std::move(http_request.app));
    chat.model = prepared.target.shown;
    require_capability(prepared.target, "completion", "chat");
    if (chat.has_tools) {
        require_capability(prepared.target, "tools", "tools");
    }
    if (has_images(chat.body["messages"])) {
        require_capability(prepared.target, "vision", "images");
    }
    apply_thinking(prepared.request, has_capability(prepared.target, "thinking"));
    if (const std::string ignored = ignored_line(prepared.request.ignored); !ignored.empty()) {
        out.set_header("Hearth-Ignored", ignored);
    }
    co_return prepared;
}

asio::awaitable<Lease> lease_for(Services& services, const Prepared& prepared, http::ResponseWriter& out) {
    const OpenAiChat& chat = prepared.request.chat;
    runtime::LoadOptions load = model_load_options(prepared.target, chat.backend);
    Lease lease = co_await acquire(services, prepared.target, std::move(load), chat.keep_alive);
    out.set_header("Hearth-Backend", lease->plugin().name);
    co_return lease;
}

/// The body for the runner; the request keeps none.
asio::awaitable<std::string> build_body(Services& services, Prepared& prepared) {
    auto build = [chat = std::move(prepared.request.chat), target = prepared.target]() mutable {
        return openai_chat_body(std::move(chat), target);
    };
    co_return co_await run_sized(services, prepared.size, std::move(build));
}

asio::awaitable<void> stream_events(std::vector<Json> events, http::ResponseWriter& out) {
    for (Json& event : events) {
        std::string name = event["type"].get<std::string>();
        co_await out.write_event(std::move(name), std::move(event));
    }
}

asio::awaitable<void> relay(runtime::RequestStream& chunks, AnthropicEvents events, bool stream,
                            http::ResponseWriter& out) {
    AnthropicMessage whole;
    if (stream) {
        out.begin_sse();
    }
    for (bool more = true; more;) {
        const std::optional<std::string> text = co_await chunks.next();
        more = text.has_value();
        std::vector<Json> next = more ? events.feed(Json::parse(*text, nullptr, false)) : events.finish();
        if (stream) {
            co_await stream_events(std::move(next), out);
            continue;
        }
        for (const Json& event : next) {
            whole.add(event);
        }
    }
    if (!stream) {
        Json message = whole.take();
        co_await out.send_json(200, std::move(message));
    }
}

asio::awaitable<void> answer(Services& services, http::Request http_request, http::ResponseWriter& out) {
    Prepared prepared = co_await prepare(services, std::move(http_request), AnthropicCall::message, out);
    const bool stream = prepared.request.chat.stream;
    AnthropicEvents events(prepared.request.chat.model, prepared.request.stops, prepared.request.max_tokens,
                           prepared.request.think ? Thoughts::shown : Thoughts::left_out);
    const Lease lease = co_await lease_for(services, prepared, out);
    std::string body = co_await build_body(services, prepared);
    const auto chunks = co_await lease->request("chat", std::move(body));
    co_await relay(*chunks, std::move(events), stream, out);
}

asio::awaitable<void> count_tokens(Services& services, http::Request http_request,
                                   http::ResponseWriter& out) {
    Prepared prepared = co_await prepare(services, std::move(http_request), AnthropicCall::count_tokens, out);
    const Lease lease = co_await lease_for(services, prepared, out);
    if (!lease->plugin().has_operation("count")) {
        throw Error(ErrorCode::unsupported, "the backend " + lease->plugin().name + " does not count tokens");
    }
    std::string body = co_await build_body(services, prepared);
    const Json counted = co_await run_single(*lease, "count", std::move(body));
    Json answer = {{"input_tokens", counted.value("tokens", Json(0))}};
    co_await out.send_json(200, std::move(answer));
}

} // namespace

void add_anthropic_routes(http::Router& router, Services& services) {
    using Function = asio::awaitable<void> (*)(Services&, http::Request, http::ResponseWriter&);
    auto add = [&](const char* pattern, Function function) {
        auto handler = [&services, function](http::Request request, http::ResponseWriter& out) {
            return function(services, std::move(request), out);
        };
        router.add({"POST", pattern, http::Access::infer, http::BodySize::large, handler});
    };
    add("/v1/messages", answer);
    add("/v1/messages/count_tokens", count_tokens);
}

} // namespace hearth::daemon
