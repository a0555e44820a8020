#pragma once

#include "runtime/memory/device.hpp"
#include "runtime/memory/estimate.hpp"

#include <string_view>
#include <vector>

/// Does an estimate fit a machine: sums per pool of memory.
namespace hearth::runtime::memory {

/// nullptr: no such device. "cpu" is the host whatever it is called.
const Device* find_device(const Machine& machine, std::string_view id) noexcept;

/// What one device needs beyond its budget.
struct Shortage {
    std::string id;
    std::uint64_t bytes = 0;
};

/// Devices whose budget is exceeded, the host first; empty: it fits. A unified accelerator takes from the host's
/// pool too, with its fixed overhead, so that the pool is counted once and never twice.
std::vector<Shortage> shortages(const Estimate& memory, const Machine& machine);

/// Of an accelerator alone, the shared pool left aside.
std::uint64_t accelerator_shortage(const Estimate& memory, const Machine& machine);

std::uint64_t sum(const std::vector<Shortage>& list) noexcept;

/// What a device must really give: `total()` and what is handed out.
std::uint64_t needed_bytes(const DeviceBytes& bytes) noexcept;

} // namespace hearth::runtime::memory
