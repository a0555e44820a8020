#include "base/error.hpp"
#include "daemon/app_tokens.hpp"
#include "daemon/default_models.hpp"
#include "daemon/event_bus.hpp"
#include "daemon/handlers/body.hpp"
#include "daemon/handlers/fields.hpp"
#include "daemon/handlers/model_name.hpp"
#include "daemon/handlers/routes.hpp"
#include "registry/catalog.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

/// {"kind", "app"?, "model"}
Json row_of(const http::App& app, const std::optional<std::string>& model) {
    Json row = {{"kind", kind_name(app.source)}, {"model", model ? Json(*model) : Json()}};
    if (!app.name.empty()) {
        row["app"] = app.name;
    }
    return row;
}

/// What the name means to the one who asks; with all rights also what it means to others.
asio::awaitable<void> show(Services& services, http::Request request, http::ResponseWriter& out) {
    Json answer = {{"model", nullptr}, {"defaults", Json::array()}};
    if (const auto model = services.defaults.meant_by(request.app)) {
        answer["model"] = *model;
    }
    for (const DefaultModel& choice : services.defaults.all()) {
        const bool mine = choice.app == http::App() || choice.app == request.app;
        if (request.access == http::Access::full || mine) {
            answer["defaults"].push_back(row_of(choice.app, choice.model));
        }
    }
    co_await out.send_json(200, std::move(answer));
}

asio::awaitable<http::App> app_of(Services& services, const Json& body) {
    auto name = [text = string_field(body, "app").value_or("")] { return app_named(text); };
    co_return co_await run_blocking(services.workers, std::move(name));
}

bool has_token(const Services& services, const http::App& app) {
    return std::ranges::any_of(services.tokens.all(),
                               [&](const AppToken& token) { return token.name == app.name; });
}

asio::awaitable<void> choose(Services& services, http::Request request, http::ResponseWriter& out) {
    const Json body = parse_object(request.body);
    std::string name = model_field(body);
    const http::App app = co_await app_of(services, body);
    name = co_await real_name(services, std::move(name), request.app);
    const registry::Model model = co_await services.catalog.get(std::move(name));
    DefaultModel choice{app, model.ref.short_name()};
    Json answer = row_of(app, choice.model);
    if (app.source == http::App::Source::token && !has_token(services, app)) {
        answer["hint"] = "no app has a token of that name yet; a program is named by its whole path";
    }
    co_await services.defaults.set(std::move(choice));
    services.events.publish("default.changed", answer);
    co_await out.send_json(200, std::move(answer));
}

asio::awaitable<void> clear(Services& services, http::Request request, http::ResponseWriter& out) {
    const Json body = request.body.empty() ? Json::object() : parse_object(request.body);
    const http::App app = co_await app_of(services, body);
    const std::optional<std::string> before = co_await services.defaults.clear(app);
    Json answer = row_of(app, before);
    answer["cleared"] = before.has_value();
    services.events.publish("default.changed", row_of(app, std::nullopt));
    co_await out.send_json(200, std::move(answer));
}

} // namespace

void add_default_routes(http::Router& router, Services& services) {
    using Function = asio::awaitable<void> (*)(Services&, http::Request, http::ResponseWriter&);
    auto add = [&](const char* method, http::Access access, Function function) {
        auto handler = [&services, function](http::Request request, http::ResponseWriter& out) {
            return function(services, std::move(request), out);
        };
        router.add({method, "/hearth/v1/default", access, http::BodySize::json, handler});
    };
    add("GET", http::Access::infer, show);
    add("PUT", http::Access::full, choose);
    add("DELETE", http::Access::full, clear);
}

} // namespace hearth::daemon
