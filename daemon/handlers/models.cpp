#include "base/error.hpp"
#include "daemon/default_models.hpp"
#include "daemon/event_bus.hpp"
#include "daemon/handlers/body.hpp"
#include "daemon/handlers/fields.hpp"
#include "daemon/handlers/model_json.hpp"
#include "daemon/handlers/model_name.hpp"
#include "daemon/handlers/routes.hpp"
#include "daemon/shipped_model.hpp"
#include "registry/catalog.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

asio::awaitable<void> list(Services& services, http::Request, http::ResponseWriter& out) {
    co_await services.shipped.settled(); // the very first list has it, too
    Json rows = Json::array();
    for (const registry::Model& model : co_await services.catalog.list()) {
        rows.push_back(tags_row(model));
    }
    Json answer = {{"models", std::move(rows)}};
    co_await out.send_json(200, std::move(answer));
}

asio::awaitable<void> list_loaded(Services& services, http::Request, http::ResponseWriter& out) {
    std::vector<runtime::LoadedModel> loaded = services.scheduler.loaded();
    std::ranges::sort(loaded, [](const runtime::LoadedModel& one, const runtime::LoadedModel& other) {
        const WallTime first = one.expires_at.value_or(WallTime::max());
        const WallTime second = other.expires_at.value_or(WallTime::max());
        return first != second ? first > second : one.name < other.name;
    });
    Json rows = Json::array();
    for (const runtime::LoadedModel& row : loaded) {
        rows.push_back(ps_row(row));
    }
    Json answer = {{"models", std::move(rows)}};
    co_await out.send_json(200, std::move(answer));
}

asio::awaitable<void> show(Services& services, http::Request request, http::ResponseWriter& out) {
    const Json body = parse_object(request.body);
    const std::string name = co_await real_name(services, model_field(body), std::move(request.app));
    const bool verbose = flag_field(body, "verbose").value_or(false);
    const std::optional<std::string> system = string_field(body, "system");
    const registry::Model model = co_await services.catalog.get(name);
    Json answer = show_json(model);
    if (system) {
        answer["system"] = *system;
    }
    answer.update(co_await services.catalog.describe(model, verbose));
    co_await out.send_json(200, std::move(answer));
}

/// Whoever deletes says what: "default" may mean another model tomorrow.
void refuse_stand_in(const Services& services, const std::string& name, const http::App& app) {
    const auto chosen = services.defaults.meant_by(app);
    if (name == default_name && chosen) {
        throw Error(ErrorCode::invalid_argument, "a model is deleted by its own name",
                    fmt::format("\"{}\" means {}", default_name, *chosen));
    }
}

asio::awaitable<void> remove(Services& services, http::Request request, http::ResponseWriter& out) {
    const std::string name = model_field(parse_object(request.body));
    refuse_stand_in(services, name, request.app);
    const registry::Model model = co_await services.catalog.get(name);
    co_await services.scheduler.unload(model.ref.short_name());
    const registry::Catalog::Removed removed = co_await services.catalog.remove(name);
    services.events.publish("models.changed", {{"model", model.ref.short_name()}, {"change", "deleted"}});
    Json answer = {{"freed_bytes", removed.freed_bytes}, {"shared_bytes", removed.shared_bytes}};
    co_await out.send_json(200, std::move(answer));
}

} // namespace

void add_model_routes(http::Router& router, Services& services) {
    using Function = asio::awaitable<void> (*)(Services&, http::Request, http::ResponseWriter&);
    auto add = [&](const char* method, const char* pattern, http::Access access, Function function) {
        auto handler = [&services, function](http::Request request, http::ResponseWriter& out) {
            return function(services, std::move(request), out);
        };
        router.add({method, pattern, access, http::BodySize::json, handler});
    };
    add("GET", "/api/tags", http::Access::infer, list);
    add("GET", "/api/ps", http::Access::infer, list_loaded);
    add("POST", "/api/show", http::Access::infer, show);
    add("DELETE", "/api/delete", http::Access::full, remove);
}

} // namespace hearth::daemon
