#include "daemon/handlers/body.hpp"
#include "daemon/handlers/model_name.hpp"
#include "daemon/handlers/routes.hpp"
#include "daemon/planning/planner.hpp"
#include "runtime/memory/plan_json.hpp"

#include <nlohmann/json.hpp>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

asio::awaitable<void> plan(Services& services, http::Request http_request, http::ResponseWriter& out) {
    PlanQuestion question = parse_plan_question(parse_object(http_request.body));
    question.model = co_await real_name(services, std::move(question.model), std::move(http_request.app));
    const PlanAnswer answer = co_await services.planner.plan(std::move(question));
    Json json = runtime::memory::plan_json(answer.plan, answer.model, answer.machine);
    json["installed"] = answer.installed;
    json["header_bytes"] = answer.header_bytes;
    co_await out.send_json(200, std::move(json));
}

} // namespace

void add_plan_routes(http::Router& router, Services& services) {
    auto handler = [&services](http::Request request, http::ResponseWriter& out) {
        return plan(services, std::move(request), out);
    };
    router.add({"POST", "/hearth/v1/plan", http::Access::full, http::BodySize::json, handler});
}

} // namespace hearth::daemon
