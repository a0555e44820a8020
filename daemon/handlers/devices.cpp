#include "daemon/handlers/device_json.hpp"
#include "daemon/handlers/routes.hpp"
#include "runtime/memory/machine_source.hpp"

#include <nlohmann/json.hpp>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

asio::awaitable<void> list(Services& services, http::Request, http::ResponseWriter& out) {
    const runtime::memory::MachineReport report = co_await services.machine.report();
    Json answer = devices_json(report);
    co_await out.send_json(200, std::move(answer));
}

/// Measures anew first: some seconds with all cores.
asio::awaitable<void> measure(Services& services, http::Request request, http::ResponseWriter& out) {
    co_await services.machine.measure();
    co_await list(services, std::move(request), out);
}

} // namespace

void add_device_routes(http::Router& router, Services& services) {
    auto on_list = [&services](http::Request request, http::ResponseWriter& out) {
        return list(services, std::move(request), out);
    };
    auto on_measure = [&services](http::Request request, http::ResponseWriter& out) {
        return measure(services, std::move(request), out);
    };
    router.add({"GET", "/hearth/v1/devices", http::Access::full, http::BodySize::json, on_list});
    router.add({"POST", "/hearth/v1/devices/measure", http::Access::full, http::BodySize::json, on_measure});
}

} // namespace hearth::daemon
