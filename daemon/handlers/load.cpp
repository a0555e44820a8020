#include "base/error.hpp"
#include "daemon/handlers/body.hpp"
#include "daemon/handlers/fields.hpp"
#include "daemon/handlers/inference.hpp"
#include "daemon/handlers/model_name.hpp"
#include "daemon/handlers/progress.hpp"
#include "daemon/handlers/routes.hpp"
#include "daemon/planning/plan_question.hpp"
#include "registry/catalog.hpp"

#include <boost/asio/this_coro.hpp>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

struct LoadRequest {
    std::string model;
    runtime::LoadOptions options;
    std::optional<std::chrono::nanoseconds> keep_alive;
    bool stream = true;
};

LoadRequest parse_load(const Json& body) {
    LoadRequest request;
    request.model = model_field(body);
    request.options.backend = string_field(body, "backend").value_or("");
    const runtime::memory::Wishes wishes = parse_wishes(body);
    request.options.context_tokens = wishes.context;
    request.options.parallel = wishes.parallel;
    request.options.kv_type = wishes.kv_type;
    request.options.load_mode = wishes.load_mode;
    request.options.unified = wishes.unified;
    request.options.gpu_layers = wishes.gpu_layers;
    request.options.force = wishes.force;
    if (const auto threads = integer_field(body, "threads", 1, 4096)) {
        request.options.threads = static_cast<int>(*threads);
    }
    request.keep_alive = keep_alive_field(body);
    request.stream = flag_field(body, "stream").value_or(true);
    return request;
}

/// Loads, and ends with the line that says so.
asio::awaitable<void> run_load(Services& services, LoadRequest request, Target target,
                               std::shared_ptr<LineQueue> lines) {
    const Lease lease =
        co_await acquire(services, std::move(target), request.options, request.keep_alive, lines);
    lines->push({{"status", "success"},
                 {"model", request.model},
                 {"backend", lease->plugin().name},
                 {"context", lease->context_tokens()},
                 {"load_duration", lease->load_duration().count()}});
}

asio::awaitable<void> load(Services& services, http::Request http_request, http::ResponseWriter& out) {
    LoadRequest request = parse_load(parse_object(http_request.body));
    Target target =
        co_await find_target(services, request.model, request.options.backend, std::move(http_request.app));
    request.model = target.shown;
    auto lines = std::make_shared<LineQueue>(
        co_await asio::this_coro::executor); // shared with the scheduler's callback
    if (request.stream) {
        co_await write_progress(out, lines, run_load(services, std::move(request), std::move(target), lines));
        co_return;
    }
    co_await run_load(services, std::move(request), std::move(target), lines);
    lines->close();
    Json last;
    while (auto line = co_await lines->next()) {
        last = std::move(*line);
    }
    co_await out.send_json(200, std::move(last));
}

asio::awaitable<bool> unload_named(Services& services, std::string name, http::App app) {
    name = co_await real_name(services, std::move(name), std::move(app));
    if (co_await services.scheduler.unload(name)) {
        co_return true;
    }
    const registry::Model model = co_await services.catalog.get(name);
    co_return co_await services.scheduler.unload(model.ref.short_name());
}

asio::awaitable<void> unload(Services& services, http::Request http_request, http::ResponseWriter& out) {
    const Json body = parse_object(http_request.body);
    bool unloaded = false;
    if (flag_field(body, "all").value_or(false)) {
        for (const runtime::LoadedModel& model : services.scheduler.loaded()) {
            unloaded = co_await services.scheduler.unload(model.name) || unloaded;
        }
    } else {
        unloaded = co_await unload_named(services, model_field(body), std::move(http_request.app));
    }
    Json answer = {{"unloaded", unloaded}};
    co_await out.send_json(200, std::move(answer));
}

} // namespace

void add_load_routes(http::Router& router, Services& services) {
    auto on_load = [&services](http::Request request, http::ResponseWriter& out) {
        return load(services, std::move(request), out);
    };
    auto on_unload = [&services](http::Request request, http::ResponseWriter& out) {
        return unload(services, std::move(request), out);
    };
    router.add({"POST", "/hearth/v1/load", http::Access::full, http::BodySize::json, on_load});
    router.add({"POST", "/hearth/v1/unload", http::Access::full, http::BodySize::json, on_unload});
}

} // namespace hearth::daemon
