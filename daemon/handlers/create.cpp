#include "base/error.hpp"
#include "daemon/event_bus.hpp"
#include "daemon/handlers/body.hpp"
#include "daemon/handlers/create_request.hpp"
#include "daemon/handlers/fields.hpp"
#include "daemon/handlers/model_name.hpp"
#include "daemon/handlers/progress.hpp"
#include "daemon/handlers/routes.hpp"
#include "registry/catalog.hpp"
#include "registry/create/model_builder.hpp"
#include "registry/pull/pull_engine.hpp"

#include <boost/asio/this_coro.hpp>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

/// The model to build on; pulled when it is not here, as Ollama does.
asio::awaitable<registry::Model> find_base(Services& services, std::string name,
                                           std::shared_ptr<LineQueue> lines) {
    if (auto model = co_await services.catalog.find(name)) {
        co_return std::move(*model);
    }
    auto report = [lines](const registry::PullProgress& progress) {
        if (progress.status != "success") { // the pull's, not ours
            lines->push(progress_json(progress), progress.total_bytes > 0 ? progress.status : "");
        }
    };
    registry::PullRequest pull;
    pull.name = std::move(name);
    co_return co_await services.pulls.pull(std::move(pull), report);
}

asio::awaitable<void> run_create(Services& services, CreateRequest request,
                                 std::shared_ptr<LineQueue> lines) {
    if (!request.from.empty()) {
        request.build.base = co_await find_base(services, request.from, lines);
    }
    if (request.build.template_text) {
        lines->push({{"status", "keeping the template; answers use the chat template of the model file"}});
    }
    auto report = [lines](const std::string& status) { lines->push({{"status", status}}); };
    const registry::Model model = co_await services.builder.create(std::move(request.build), report);
    services.events.publish("models.changed", {{"model", model.ref.short_name()}, {"change", "created"}});
    lines->push({{"status", "success"}, {"model", model.ref.short_name()}});
}

asio::awaitable<void> create(Services& services, http::Request http_request, http::ResponseWriter& out) {
    CreateRequest request = parse_create(parse_object(http_request.body));
    request.from = co_await real_name(services, std::move(request.from), std::move(http_request.app));
    auto lines = std::make_shared<LineQueue>(
        co_await asio::this_coro::executor); // shared with the callbacks of pull and builder
    if (request.stream) {
        co_await write_progress(out, lines, run_create(services, std::move(request), lines));
        co_return;
    }
    co_await run_create(services, std::move(request), lines);
    Json answer = {{"status", "success"}};
    co_await out.send_json(200, std::move(answer));
}

asio::awaitable<void> copy(Services& services, http::Request request, http::ResponseWriter& out) {
    const Json body = parse_object(request.body);
    std::string source = string_field(body, "source").value_or("");
    const std::string destination = string_field(body, "destination").value_or("");
    if (source.empty() || destination.empty()) {
        throw Error(ErrorCode::invalid_argument, "source and destination are required");
    }
    source = co_await real_name(services, std::move(source), std::move(request.app));
    co_await services.builder.copy(source, destination);
    services.events.publish("models.changed", {{"model", destination}, {"change", "copied"}});
    co_await out.send_text(200, "");
}

} // namespace

void add_create_routes(http::Router& router, Services& services) {
    using Function = asio::awaitable<void> (*)(Services&, http::Request, http::ResponseWriter&);
    auto add = [&](const char* pattern, Function function) {
        auto handler = [&services, function](http::Request request, http::ResponseWriter& out) {
            return function(services, std::move(request), out);
        };
        router.add({"POST", pattern, http::Access::full, http::BodySize::json, handler});
    };
    add("/api/create", create);
    add("/api/copy", copy);
}

} // namespace hearth::daemon
