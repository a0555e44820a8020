#include "runtime/memory/machine.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace hearth::runtime::memory {

namespace {

constexpr std::uint64_t mebibyte = 1u << 20;

std::uint64_t minus(std::uint64_t from, std::uint64_t what) noexcept {
    return from > what ? from - what : 0;
}

void set_speed(Device& device, const Speeds& speeds, double assumed) {
    const auto known = speeds.find(device.id);
    device.bandwidth_assumed = known == speeds.end() || known->second.bandwidth <= 0;
    device.bandwidth = device.bandwidth_assumed ? assumed : known->second.bandwidth;
    if (known != speeds.end()) {
        device.throughput = known->second.throughput;
    }
}

Device make_host(const HostMemory& memory, const HostFacts& facts, const Margins& margins,
                 const Speeds& speeds) {
    Device host;
    host.id = "cpu";
    host.description = facts.model;
    host.total_bytes = memory.total_bytes;
    host.free_bytes = memory.free_bytes();
    const std::uint64_t wanted =
        margins.host_bytes.value_or(host_margin_bytes(memory.total_bytes, facts.display));
    // Below a cap on ourselves alone nothing need stay free, so the margin that counts may be smaller.
    host.margin_bytes = minus(host.free_bytes, memory.budget_bytes(wanted));
    host.fixed_bytes = assumed_fixed_bytes(host.id, host.kind);
    set_speed(host, speeds, assumed_host_bandwidth);
    return host;
}

Device make_accelerator(const BackendDevice& seen, const Device& host, const Margins& margins,
                        const Speeds& speeds) {
    Device device;
    device.id = seen.id;
    device.kind = seen.kind;
    device.description = seen.description;
    device.unified = seen.unified;
    device.total_bytes = seen.total_bytes;
    device.free_bytes = std::min(seen.free_bytes, seen.total_bytes);
    device.fixed_bytes = assumed_fixed_bytes(seen.id, seen.kind);
    if (seen.unified) { // one pool: the host's limits and margin rule, whatever the driver says
        const bool counted = seen.total_bytes > 0;
        device.total_bytes = counted ? std::min(seen.total_bytes, host.total_bytes) : host.total_bytes;
        device.free_bytes = counted ? std::min(device.free_bytes, host.free_bytes) : host.free_bytes;
        device.margin_bytes = host.margin_bytes;
    } else {
        device.margin_bytes = margins.gpu_bytes.value_or(gpu_margin_bytes(seen.total_bytes, seen.display));
    }
    set_speed(device, speeds, seen.unified ? host.bandwidth : assumed_gpu_bandwidth);
    return device;
}

} // namespace

const char* kind_name(DeviceKind kind) noexcept {
    switch (kind) {
    case DeviceKind::cpu:
        return "cpu";
    case DeviceKind::gpu:
        return "gpu";
    case DeviceKind::npu:
        return "npu";
    }
    return "cpu";
}

std::uint64_t Device::budget_bytes() const noexcept {
    return minus(minus(free_bytes, margin_bytes), fixed_bytes);
}

std::uint64_t assumed_fixed_bytes(const std::string& device_id, DeviceKind kind) noexcept {
    if (kind == DeviceKind::cpu) {
        return 64 * mebibyte;
    }
    const bool heavy = device_id.starts_with("cuda") || device_id.starts_with("rocm") ||
                       device_id.starts_with("hip") || device_id.starts_with("gpu");
    return heavy ? 350 * mebibyte : 100 * mebibyte;
}

Machine make_machine(const HostMemory& memory, const HostFacts& facts,
                     const std::vector<BackendDevice>& devices, const Margins& margins,
                     const Speeds& speeds) {
    Machine machine;
    machine.cores = std::max(1, facts.cores);
    machine.host = make_host(memory, facts, margins, speeds);
    for (const BackendDevice& seen : devices) {
        auto same = [&](const Device& other) { return other.id == seen.id; };
        const bool usable = seen.kind != DeviceKind::cpu && (seen.total_bytes > 0 || seen.unified);
        if (usable && std::ranges::none_of(machine.accelerators, same)) {
            machine.accelerators.push_back(make_accelerator(seen, machine.host, margins, speeds));
        }
    }
    sort_accelerators(machine);
    return machine;
}

void sort_accelerators(Machine& machine) {
    std::ranges::sort(machine.accelerators, {}, [](const Device& device) {
        return std::tuple(-device.bandwidth, std::numeric_limits<std::uint64_t>::max() - device.total_bytes,
                          device.id);
    });
}

} // namespace hearth::runtime::memory
