#include "base/error.hpp"
#include "base/paths.hpp"
#include "daemon/doctor_findings.hpp"
#include "daemon/handlers/routes.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdlib>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

asio::awaitable<Finding> look_at_index(Services& services) {
    const std::filesystem::path index = services.data_dir / "index.db";
    std::string why;
    try {
        const registry::Catalog::Health health = co_await services.catalog.check_health();
        co_return index_finding(health, index);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) {
            throw;
        }
        why = error.what();
    }
    co_return unopened_index_finding(why, index);
}

/// What downloads go through. The names are those that libcurl reads.
Json proxies() {
    Json found = Json::object();
    for (const char* name :
         {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"}) {
        if (const char* value = std::getenv(name); value != nullptr && *value != '\0') {
            found[name] = without_login(value);
        }
    }
    return found;
}

asio::awaitable<void> doctor(Services& services, http::Request, http::ResponseWriter& out) {
    Json checks = Json::array();
    auto scan = [] { return runtime::scan_plugins(paths::plugin_dirs()); };
    const runtime::PluginScan plugins = co_await run_blocking(services.workers, std::move(scan));
    for (const Finding& finding : backend_findings(plugins, services.data_dir / "plugins")) {
        checks.push_back(protocol::finding_json(finding));
    }
    const runtime::memory::MachineReport report = co_await services.machine.report();
    checks.push_back(protocol::finding_json(devices_finding(report)));
    const Finding index = co_await look_at_index(services);
    checks.push_back(protocol::finding_json(index));
    Json answer = {{"version", HEARTH_VERSION},
                   {"data_dir", services.data_dir.string()},
                   {"gpus", report.machine.accelerators.size()},
                   {"proxies", proxies()},
                   {"checks", std::move(checks)}};
    co_await out.send_json(200, std::move(answer));
}

} // namespace

void add_doctor_routes(http::Router& router, Services& services) {
    auto handler = [&services](http::Request request, http::ResponseWriter& out) {
        return doctor(services, std::move(request), out);
    };
    router.add({"GET", "/hearth/v1/doctor", http::Access::full, http::BodySize::json, handler});
}

} // namespace hearth::daemon
