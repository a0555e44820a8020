#include "runtime/memory/probe.hpp"

#include "base/error.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <utility>

namespace hearth::runtime::memory {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto probe_limit = 5s;
constexpr auto measure_limit = 10s; // a slow machine, with a driver to start
constexpr auto measure_budget = 1700ms;
constexpr double most_bandwidth = 1e15; // nothing reads a petabyte per second

/// An answer, or why there is none. A cancelled caller stays cancelled.
struct Reply {
    Json answer;
    std::optional<std::string> warning;
};

asio::awaitable<Reply> try_ask(RunnerStarter start, PluginManifest plugin, std::string head,
                               std::chrono::steady_clock::duration limit) {
    Reply reply;
    std::optional<Error> failed;
    try {
        reply.answer = co_await ask_once(std::move(start), std::move(plugin), std::move(head), limit);
    } catch (...) {
        failed = to_error(std::current_exception());
    }
    if (failed && failed->code() == ErrorCode::cancelled) {
        throw Error(*failed);
    }
    if (failed) {
        reply.warning = failed->what();
    }
    co_return reply;
}

std::optional<DeviceKind> kind_from(const std::string& name) {
    for (const DeviceKind kind : {DeviceKind::cpu, DeviceKind::gpu, DeviceKind::npu}) {
        if (name == kind_name(kind)) {
            return kind;
        }
    }
    return std::nullopt;
}

/// What a driver says in bytes: negative and absent are 0.
std::uint64_t bytes_of(const Json& row, const char* key) {
    const auto found = row.find(key);
    return found != row.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::optional<BackendDevice> parse_device(const Json& row, const std::string& backend) {
    BackendDevice device;
    device.backend = backend;
    device.id = require_string(row, "id");
    const auto kind = kind_from(get_string(row, "kind").value_or(""));
    if (device.id.empty() || !kind) {
        return std::nullopt;
    }
    device.kind = *kind;
    device.description = get_string(row, "description").value_or("");
    device.total_bytes = bytes_of(row, "total_bytes");
    device.free_bytes = bytes_of(row, "free_bytes");
    device.unified = get_bool(row, "unified").value_or(false);
    device.display = get_bool(row, "display").value_or(false);
    device.memory_source = get_string(row, "memory_source").value_or("backend");
    return device;
}

double rate_of(const Json& value) {
    const double rate = value.is_number() ? value.get<double>() : 0;
    return rate > 0 && rate < most_bandwidth ? rate : 0;
}

DeviceSpeed parse_speed(const Json& row) {
    DeviceSpeed speed;
    speed.bandwidth = rate_of(row.value("bandwidth", Json()));
    const Json rates = row.value("throughput", Json::object());
    double fastest = 0;
    for (const auto& [type, value] : rates.items()) {
        if (const double rate = rates.is_object() ? rate_of(value) : 0; rate > 0) {
            speed.throughput[type] = rate;
            fastest = std::max(fastest, rate);
        }
    }
    speed.bandwidth = speed.bandwidth > 0 ? speed.bandwidth : fastest;
    return speed;
}

/// Those that run models; all when none does.
std::vector<PluginManifest> worth_measuring(const std::vector<PluginManifest>& plugins) {
    std::vector<PluginManifest> result;
    std::ranges::copy_if(plugins, std::back_inserter(result), &PluginManifest::needs_model);
    return result.empty() && !plugins.empty() ? std::vector{plugins.front()} : result;
}

} // namespace

std::vector<BackendDevice> parse_devices(const Json& answer, const std::string& backend) {
    std::vector<BackendDevice> devices;
    const Json rows = answer.is_object() ? answer.value("devices", Json::array()) : Json::array();
    for (const Json& row : rows) {
        try {
            if (auto device = row.is_object() ? parse_device(row, backend) : std::nullopt) {
                devices.push_back(std::move(*device));
            }
        } catch (const Error&) { // one wrong row does not hide the others
            continue;
        }
    }
    return devices;
}

Speeds parse_speeds(const Json& answer) {
    Speeds speeds;
    if (!answer.is_object()) {
        return speeds;
    }
    Json devices = answer.value("devices", Json::object());
    if (!devices.is_object()) {
        return speeds;
    }
    if (answer.contains("bandwidth")) {
        Json& host = devices["cpu"];
        host = host.is_object() ? host : Json::object();
        host["bandwidth"] = answer["bandwidth"];
    }
    for (const auto& [id, row] : devices.items()) {
        DeviceSpeed speed = row.is_object() ? parse_speed(row) : DeviceSpeed();
        if (speed.bandwidth > 0) {
            speeds[id] = std::move(speed);
        }
    }
    return speeds;
}

asio::awaitable<ProbeResult> probe_devices(std::vector<PluginManifest> plugins, RunnerStarter start) {
    ProbeResult result;
    const std::string head = to_text(Json{{"op", "devices"}});
    for (const PluginManifest& plugin : plugins) {
        Reply reply = co_await try_ask(start, plugin, head, probe_limit);
        if (reply.warning) {
            result.warnings.push_back(std::move(*reply.warning));
        }
        for (BackendDevice& device : parse_devices(reply.answer, plugin.name)) {
            result.devices.push_back(std::move(device));
        }
    }
    co_return result;
}

asio::awaitable<SpeedResult> measure_speeds(std::vector<PluginManifest> plugins, RunnerStarter start,
                                            int threads) {
    SpeedResult result;
    const Json order = {{"op", "measure"}, {"threads", threads}, {"milliseconds", measure_budget.count()}};
    const std::string head = to_text(order);
    const std::vector<PluginManifest> chosen = worth_measuring(plugins);
    for (const PluginManifest& plugin : chosen) {
        Reply reply = co_await try_ask(start, plugin, head, measure_limit);
        if (reply.warning) {
            result.warnings.push_back(std::move(*reply.warning));
        }
        result.speeds.merge(parse_speeds(reply.answer)); // who came first stays
    }
    co_return result;
}

} // namespace hearth::runtime::memory
