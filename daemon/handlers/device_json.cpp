#include "daemon/handlers/device_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

namespace hearth::daemon {

namespace memory = runtime::memory;

namespace {

Json limit_json(const memory::MemoryLimit& limit) {
    return {{"name", limit.name},
            {"detail", limit.detail},
            {"limit_bytes", limit.limit_bytes},
            {"free_bytes", limit.free_bytes}};
}

Json limits_json(const memory::HostMemory& host) {
    Json rows = Json::array();
    for (const memory::MemoryLimit& limit : host.limits) {
        rows.push_back(limit_json(limit));
    }
    return rows;
}

Json device_json(const memory::Device& device, const std::vector<memory::BackendDevice>& seen) {
    Json backends = Json::array();
    std::string source = "kernel";
    for (const memory::BackendDevice& row : seen) {
        if (row.id == device.id) {
            source = device.kind == memory::DeviceKind::cpu || !backends.empty() ? source : row.memory_source;
            backends.push_back(row.backend);
        }
    }
    return {{"id", device.id},
            {"kind", memory::kind_name(device.kind)},
            {"description", device.description},
            {"backends", std::move(backends)},
            {"total_bytes", device.total_bytes},
            {"free_bytes", device.free_bytes},
            {"margin_bytes", device.margin_bytes},
            {"fixed_bytes", device.fixed_bytes},
            {"budget_bytes", device.budget_bytes()},
            {"bandwidth", device.bandwidth},
            {"bandwidth_source", device.bandwidth_assumed ? "assumed" : "measured"},
            {"throughput", device.throughput},
            {"unified", device.unified},
            {"memory_source", source}};
}

} // namespace

Json devices_json(const memory::MachineReport& report) {
    Json host = device_json(report.machine.host, report.seen);
    host["limits"] = limits_json(report.memory);
    if (const memory::MemoryLimit* limit = report.memory.ruling()) {
        host["limited_by"] = limit_json(*limit);
    }
    Json devices = Json::array();
    devices.push_back(std::move(host));
    for (const memory::Device& device : report.machine.accelerators) {
        devices.push_back(device_json(device, report.seen));
    }
    Json answer = {{"devices", std::move(devices)},
                   {"cores", report.machine.cores},
                   {"swap_total_bytes", report.memory.swap_total_bytes},
                   {"swap_free_bytes", report.memory.swap_free_bytes},
                   {"measuring", report.measuring},
                   {"warnings", report.warnings}};
    if (!report.measured_at.empty()) {
        answer["measured_at"] = report.measured_at;
    }
    return answer;
}

} // namespace hearth::daemon
