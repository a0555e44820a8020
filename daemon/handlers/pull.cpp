#include "base/error.hpp"
#include "daemon/event_bus.hpp"
#include "daemon/handlers/body.hpp"
#include "daemon/handlers/fields.hpp"
#include "daemon/handlers/model_name.hpp"
#include "daemon/handlers/progress.hpp"
#include "daemon/handlers/routes.hpp"
#include "registry/pull/pull_engine.hpp"

#include <boost/asio/this_coro.hpp>
#include <nlohmann/json.hpp>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

/// Pulls, tells the lines (when somebody reads them) and the event stream.
asio::awaitable<void> run_pull(Services& services, registry::PullRequest request,
                               std::shared_ptr<LineQueue> lines) {
    const std::string name = request.name;
    auto report = [&services, name, lines](const registry::PullProgress& progress) {
        if (progress.status == "success") { // said once, below
            return;
        }
        const std::string key = progress.total_bytes > 0 ? progress.status : "";
        Json line = progress_json(progress);
        Json event = line;
        event["model"] = name;
        event["pull"] = name;
        services.events.publish("pull.progress", std::move(event), key.empty() ? key : name + " " + key);
        lines->push(std::move(line), key);
    };
    try {
        const registry::Model model = co_await services.pulls.pull(std::move(request), std::move(report));
        Json event = {{"model", model.ref.short_name()},
                      {"pull", name}}; // kept under another name than was asked for
        services.events.publish("pull.done", std::move(event));
        lines->push({{"status", "success"},
                     {"model", model.ref.short_name()}, // the name that it is kept under
                     {"full_name", model.ref.full_name()}});
    } catch (...) {
        const Error error = to_error(std::current_exception());
        Json event = {
            {"model", name}, {"pull", name}, {"error", error.what()}, {"code", code_name(error.code())}};
        services.events.publish("pull.failed", std::move(event));
        throw;
    }
}

asio::awaitable<void> pull(Services& services, http::Request http_request, http::ResponseWriter& out) {
    const Json body = parse_object(http_request.body);
    registry::PullRequest request;
    request.name = co_await real_name(services, model_field(body), std::move(http_request.app));
    request.as = string_field(body, "as").value_or("");
    request.insecure = flag_field(body, "insecure").value_or(false);
    const bool stream = flag_field(body, "stream").value_or(true);
    auto lines =
        std::make_shared<LineQueue>(co_await asio::this_coro::executor); // shared with the engine's callback
    if (stream) {
        co_await write_progress(out, lines, run_pull(services, std::move(request), lines));
        co_return;
    }
    co_await run_pull(services, std::move(request), lines);
    Json answer = {{"status", "success"}};
    co_await out.send_json(200, std::move(answer));
}

} // namespace

void add_pull_routes(http::Router& router, Services& services) {
    auto handler = [&services](http::Request request, http::ResponseWriter& out) {
        return pull(services, std::move(request), out);
    };
    router.add({"POST", "/api/pull", http::Access::full, http::BodySize::json, handler});
}

} // namespace hearth::daemon
