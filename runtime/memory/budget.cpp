#include "runtime/memory/budget.hpp"

#include <algorithm>

namespace hearth::runtime::memory {
namespace {

std::uint64_t excess(std::uint64_t needed, std::uint64_t budget) noexcept {
    return needed > budget ? needed - budget : 0;
}

} // namespace

const Device* find_device(const Machine& machine, std::string_view id) noexcept {
    if (id == "cpu" || id == machine.host.id) {
        return &machine.host;
    }
    const auto found = std::ranges::find(machine.accelerators, id, &Device::id);
    return found == machine.accelerators.end() ? nullptr : &*found;
}

std::uint64_t needed_bytes(const DeviceBytes& bytes) noexcept {
    return bytes.total() + bytes.output;
}

std::vector<Shortage> shortages(const Estimate& memory, const Machine& machine) {
    std::uint64_t host = 0;
    std::vector<Shortage> list;
    for (const DeviceBytes& bytes : memory.devices) {
        const Device* device = find_device(machine, bytes.id);
        const std::uint64_t needed = needed_bytes(bytes);
        if (device == &machine.host) {
            host += needed;
            continue;
        }
        if (device != nullptr && device->unified) {
            host += needed + device->fixed_bytes;
        }
        if (const std::uint64_t lacks = excess(needed, device == nullptr ? 0 : device->budget_bytes())) {
            list.push_back({.id = bytes.id, .bytes = lacks});
        }
    }
    if (const std::uint64_t lacks = excess(host, machine.host.budget_bytes())) {
        list.insert(list.begin(), {.id = machine.host.id, .bytes = lacks});
    }
    return list;
}

std::uint64_t accelerator_shortage(const Estimate& memory, const Machine& machine) {
    std::uint64_t bytes = 0;
    for (const Shortage& lack : shortages(memory, machine)) {
        bytes += lack.id == machine.host.id ? 0 : lack.bytes;
    }
    return bytes;
}

std::uint64_t sum(const std::vector<Shortage>& list) noexcept {
    std::uint64_t bytes = 0;
    for (const Shortage& lack : list) {
        bytes += lack.bytes;
    }
    return bytes;
}

} // namespace hearth::runtime::memory
