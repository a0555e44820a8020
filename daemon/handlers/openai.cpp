#include "base/error.hpp"
#include "base/time.hpp"
#include "daemon/default_models.hpp"
#include "daemon/handlers/body.hpp"
#include "daemon/handlers/embedding.hpp"
#include "daemon/handlers/inference.hpp"
#include "daemon/handlers/messages.hpp"
#include "daemon/handlers/model_name.hpp"
#include "daemon/handlers/openai_request.hpp"
#include "daemon/handlers/routes.hpp"
#include "registry/catalog.hpp"

#include <chrono>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

/// A row of OpenAI's list and of Anthropic's, which have the address in common.
Json model_row(const registry::Model& model, const std::string& name) {
    const auto created =
        std::chrono::duration_cast<std::chrono::seconds>(model.modified_at.time_since_epoch()).count();
    return {{"id", name},
            {"object", "model"},
            {"created", created},
            {"owned_by", "library"},
            {"type", "model"},
            {"display_name", name},
            {"created_at", to_rfc3339(model.modified_at)}};
}

/// Every model, then `default` where it means one of them to this app.
asio::awaitable<void> list_models(Services& services, http::Request request, http::ResponseWriter& out) {
    const std::optional<std::string> chosen = services.defaults.meant_by(request.app);
    Json rows = Json::array();
    Json last;
    for (const registry::Model& model : co_await services.catalog.list()) {
        const std::string name = model.ref.short_name();
        rows.push_back(model_row(model, name));
        if (chosen == name) {
            last = model_row(model, std::string(default_name));
        }
    }
    if (!last.is_null()) {
        rows.push_back(std::move(last));
    }
    Json answer = {{"object", "list"}, {"has_more", false}, {"first_id", nullptr}, {"last_id", nullptr}};
    if (!rows.empty()) {
        answer["first_id"] = rows.front()["id"];
        answer["last_id"] = rows.back()["id"];
    }
    answer["data"] = std::move(rows);
    co_await out.send_json(200, std::move(answer));
}

asio::awaitable<void> show_model(Services& services, http::Request request, http::ResponseWriter& out) {
    const std::string name = co_await real_name(services, request.parameter("id"), std::move(request.app));
    const registry::Model model = co_await services.catalog.get(name);
    Json answer = model_row(model, name);
    co_await out.send_json(200, std::move(answer));
}

/// Events as they are, but for the model's name and the usage.
asio::awaitable<void> relay(runtime::RequestStream& events, OpenAiChat request, http::ResponseWriter& out) {
    if (request.stream) {
        out.begin_sse();
    }
    Json whole;
    while (auto text = co_await events.next()) {
        Json event = Json::parse(*text, nullptr, false);
        if (!event.is_object()) {
            throw Error(ErrorCode::backend_failed, "the backend sent an event that is no object");
        }
        for (Json& shown : openai_events(std::move(event), request)) {
            if (request.stream) {
                co_await out.write_json(std::move(shown));
            } else {
                whole = std::move(shown);
            }
        }
    }
    if (request.stream) {
        co_await out.write_raw("data: [DONE]\n\n");
    } else if (whole.is_null()) {
        throw Error(ErrorCode::backend_failed, "the backend gave no answer");
    } else {
        co_await out.send_json(200, std::move(whole));
    }
}

asio::awaitable<void> complete_chat(Services& services, http::Request http_request,
                                    http::ResponseWriter& out) {
    const std::size_t size = http_request.body.size();
    auto parse = [text = std::move(http_request.body)] {
        return parse_openai_chat(parse_ordered_object(text));
    };
    OpenAiChat request = co_await run_sized(services, size, std::move(parse));
    const Target target =
        co_await find_target(services, request.model, request.backend, std::move(http_request.app));
    request.model = target.shown;
    require_capability(target, "completion", "chat");
    if (request.has_tools) {
        require_capability(target, "tools", "tools");
    }
    if (has_images(request.body["messages"])) {
        require_capability(target, "vision", "images");
    }
    runtime::LoadOptions load = model_load_options(target, request.backend);
    const Lease lease = co_await acquire(services, target, std::move(load), request.keep_alive);
    out.set_header("Hearth-Backend", lease->plugin().name);
    auto build = [request, target] { return openai_chat_body(request, target); };
    std::string body = co_await run_sized(services, size, std::move(build));
    request.body = Json();
    const auto events = co_await lease->request("chat", std::move(body));
    co_await relay(*events, std::move(request), out);
}

asio::awaitable<void> embed_texts(Services& services, http::Request http_request, http::ResponseWriter& out) {
    const std::size_t size = http_request.body.size();
    auto parse = [text = std::move(http_request.body)] { return parse_openai_embedding(parse_object(text)); };
    const OpenAiEmbedding request = co_await run_sized(services, size, std::move(parse));
    const Target target =
        co_await find_target(services, request.model, request.backend, std::move(http_request.app));
    runtime::LoadOptions load = model_load_options(target, request.backend);
    load.embeddings = true;
    const Lease lease = co_await acquire(services, target, std::move(load), request.keep_alive);
    out.set_header("Hearth-Backend", lease->plugin().name);
    const Embeddings embeddings = co_await embed(*lease, request.input, false, request.dimensions);
    Json rows = Json::array();
    for (const auto& vector : embeddings.vectors) {
        Json value = request.base64 ? Json(floats_to_base64(vector)) : Json(vector);
        rows.push_back({{"object", "embedding"}, {"index", rows.size()}, {"embedding", std::move(value)}});
    }
    Json answer = {{"object", "list"},
                   {"data", std::move(rows)},
                   {"model", target.shown},
                   {"usage", {{"prompt_tokens", embeddings.tokens}, {"total_tokens", embeddings.tokens}}}};
    co_await out.send_json(200, std::move(answer));
}

} // namespace

void add_openai_routes(http::Router& router, Services& services) {
    using Function = asio::awaitable<void> (*)(Services&, http::Request, http::ResponseWriter&);
    auto add = [&](const char* method, const char* pattern, http::BodySize size, Function function) {
        auto handler = [&services, function](http::Request request, http::ResponseWriter& out) {
            return function(services, std::move(request), out);
        };
        router.add({method, pattern, http::Access::infer, size, handler});
    };
    add("GET", "/v1/models", http::BodySize::json, list_models);
    add("GET", "/v1/models/{id*}", http::BodySize::json, show_model);
    add("POST", "/v1/chat/completions", http::BodySize::large, complete_chat);
    add("POST", "/v1/embeddings", http::BodySize::json, embed_texts);
}

} // namespace hearth::daemon
