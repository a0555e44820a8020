#include "runtime/memory/backend_report.hpp"

#include "base/error.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::runtime::memory {

namespace {

constexpr const char* host_id = "cpu";

std::uint64_t bytes_of(const Json& device, const char* name) {
    const std::int64_t bytes = get_integer(device, name).value_or(0);
    if (bytes < 0) {
        throw Error(ErrorCode::backend_failed,
                    fmt::format("the backend reports {} bytes of {}", bytes, name));
    }
    return static_cast<std::uint64_t>(bytes);
}

DeviceBytes read_device(const std::string& id, const Json& device) {
    if (!device.is_object()) {
        throw Error(ErrorCode::backend_failed, fmt::format("the backend's report on {} is no object", id));
    }
    DeviceBytes bytes;
    bytes.id = id;
    bytes.weights = bytes_of(device, "weights");
    bytes.mapped = bytes_of(device, "mapped");
    bytes.repacked = bytes_of(device, "repacked");
    bytes.kv = bytes_of(device, "kv");
    bytes.state = bytes_of(device, "state");
    bytes.compute = bytes_of(device, "compute");
    bytes.output = bytes_of(device, "output");
    bytes.projector = bytes_of(device, "projector");
    bytes.draft = bytes_of(device, "draft");
    return bytes;
}

} // namespace

Estimate read_backend_report(const Json& report, const std::vector<std::string>& accelerators) {
    const auto devices = report.is_object() ? report.find("devices") : report.end();
    if (devices == report.end() || !devices->is_object()) {
        throw Error(ErrorCode::backend_failed, "the backend's report names no devices");
    }
    std::vector<std::string> order = {host_id};
    order.insert(order.end(), accelerators.begin(), accelerators.end());
    for (const auto& [id, device] : devices->items()) {
        if (std::ranges::find(order, id) == order.end()) {
            order.push_back(id);
        }
    }
    Estimate estimate;
    for (const std::string& id : order) {
        const auto device = devices->find(id);
        DeviceBytes none;
        none.id = id;
        estimate.devices.push_back(device == devices->end() ? none : read_device(id, *device));
    }
    return estimate;
}

} // namespace hearth::runtime::memory
