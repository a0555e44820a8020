#pragma once

#include "runtime/memory/available.hpp"
#include "runtime/memory/device.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// From what was read, asked and measured to the `Machine` that the planner sees. Pure functions.
namespace hearth::runtime::memory {

/// A device as a backend reports it; its numbers are not trusted before `make_machine`.
struct BackendDevice {
    std::string backend; ///< the plugin that sees it
    std::string id;      ///< "cpu", "cuda0"
    DeviceKind kind = DeviceKind::cpu;
    std::string description;
    std::uint64_t total_bytes = 0; ///< 0: the driver does not say
    std::uint64_t free_bytes = 0;
    bool unified = false;
    bool display = false;      ///< a screen hangs on it
    std::string memory_source; ///< who counted: "nvml", "amdgpu", "backend"
};

/// What was measured on this machine, by device.
struct DeviceSpeed {
    double bandwidth = 0;                     ///< bytes read per second
    std::map<std::string, double> throughput; ///< as Device::throughput
};
using Speeds = std::map<std::string, DeviceSpeed>;

/// Facts of the host that do not change while we run.
struct HostFacts {
    std::string model; ///< of the CPU
    int cores = 1;
    bool display = false;
};

/// Margins from the configuration; absent: the rules of available.hpp.
struct Margins {
    std::optional<std::uint64_t> host_bytes;
    std::optional<std::uint64_t> gpu_bytes;
};

/// Bytes per second of a device that was never measured: a common dual-channel board, a common mid-range card.
inline constexpr double assumed_host_bandwidth = 20e9;
inline constexpr double assumed_gpu_bandwidth = 250e9;

/// What a process of a backend takes on a device beside its buffers (memory.md 2.6), until loads have shown it:
/// libraries and tokenizer in RAM; the driver's context on a GPU (350 MiB CUDA and HIP, 100 MiB Vulkan).
std::uint64_t assumed_fixed_bytes(const std::string& device_id, DeviceKind kind) noexcept;

/// Puts the machine together. Numbers of drivers are clamped: free never above total, and a unified device
/// never above the host. The host's own numbers come from `memory` alone: what engines report for the CPU is
/// its size, not what is free.
Machine make_machine(const HostMemory& memory, const HostFacts& facts,
                     const std::vector<BackendDevice>& devices, const Margins& margins, const Speeds& speeds);

/// Puts the fastest first; among equals the larger, then by id.
void sort_accelerators(Machine& machine);

} // namespace hearth::runtime::memory
