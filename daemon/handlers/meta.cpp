#include "daemon/handlers/routes.hpp"
#include "daemon/page_door.hpp"
#include "registry/catalog.hpp"
#include "runtime/scheduler/scheduler.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

asio::awaitable<void> root(Services&, http::Request, http::ResponseWriter& out) {
    co_await out.send_text(200, "Ollama is running"); // clients of Ollama look for exactly this
}

asio::awaitable<void> version(Services&, http::Request, http::ResponseWriter& out) {
    Json answer = {{"version", HEARTH_VERSION}};
    co_await out.send_json(200, std::move(answer));
}

Json route_rows(const http::Router& router) {
    Json rows = Json::array();
    for (const http::Route& route : router.routes()) {
        Json sockets = route.access == http::Access::infer ? Json{"api", "infer"} : Json{"api"};
        rows.push_back({{"method", route.method}, {"path", route.pattern}, {"sockets", std::move(sockets)}});
    }
    return rows;
}

Json backend_rows(const runtime::Scheduler& scheduler) {
    Json rows = Json::array();
    for (const runtime::PluginManifest& plugin : scheduler.plugins()) {
        rows.push_back({{"name", plugin.name},
                        {"version", plugin.version},
                        {"description", plugin.description},
                        {"operations", plugin.operations},
                        {"formats", plugin.formats}});
    }
    return rows;
}

asio::awaitable<void> capabilities(Services& services, const http::Router& router,
                                   http::ResponseWriter& out) {
    Json answer = {{"version", HEARTH_VERSION},
                   {"api", 1},
                   {"routes", route_rows(router)},
                   {"backends", backend_rows(services.scheduler)},
                   {"features",
                    {"generate", "chat", "embed", "pull", "openai", "anthropic", "events", "load", "plan",
                     "quantize", "devices", "default", "page"}}};
    co_await out.send_json(200, std::move(answer));
}

asio::awaitable<void> status(Services& services, http::Request, http::ResponseWriter& out) {
    const registry::Catalog::Usage usage = co_await services.catalog.usage();
    const auto up =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - services.started);
    Json backends = Json::array();
    for (const runtime::PluginManifest& plugin : services.scheduler.plugins()) {
        backends.push_back(plugin.name);
    }
    Json doors = Json::array();
    for (const TcpDoor& door : services.tcp) {
        doors.push_back({{"address", door.address},
                         {"token_required", door.token_required},
                         {"tls", door.tls},
                         {"description", door.description}});
    }
    if (const auto endpoint = services.page.endpoint()) {
        doors.push_back({{"address", http::endpoint_text(*endpoint)},
                         {"token_required", true},
                         {"tls", false},
                         {"description", "the page of hearth open, for this user"}});
    }
    Json answer = {{"version", HEARTH_VERSION},
                   {"pid", ::getpid()},
                   {"uptime_seconds", up.count()},
                   {"socket", services.socket.string()},
                   {"tcp", std::move(doors)},
                   {"data_dir", services.data_dir.string()},
                   {"models", usage.models},
                   {"blob_bytes", usage.blob_bytes},
                   {"partial_bytes", usage.partial_bytes},
                   {"loaded", services.scheduler.loaded().size()},
                   {"backends", std::move(backends)},
                   {"sandbox", services.sandbox}};
    co_await out.send_json(200, std::move(answer));
}

} // namespace

void add_meta_routes(http::Router& router, Services& services) {
    using Function = asio::awaitable<void> (*)(Services&, http::Request, http::ResponseWriter&);
    auto add = [&](const char* pattern, http::Access access, Function function) {
        auto handler = [&services, function](http::Request request, http::ResponseWriter& out) {
            return function(services, std::move(request), out);
        };
        http::Route route{"GET", pattern, access, http::BodySize::json, handler};
        route.watches = true;
        router.add(std::move(route));
    };
    add("/", http::Access::infer, root);
    add("/api/version", http::Access::infer, version);
    add("/hearth/v1/status", http::Access::full, status);
    auto list = [&services, &router](http::Request, http::ResponseWriter& out) {
        return capabilities(services, router, out);
    };
    router.add({"GET", "/hearth/v1/capabilities", http::Access::infer, http::BodySize::json, list});
}

} // namespace hearth::daemon
