#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

/// The machine as the planner sees it: values. Real ones come from runtime/memory/probe.hpp, pretended ones from
/// `--ram` and `--gpu`.
namespace hearth::runtime::memory {

enum class DeviceKind { cpu, gpu, npu };
const char* kind_name(DeviceKind kind) noexcept; ///< "cpu", "gpu", "npu"

/// One pool of memory that weights can live in, with what computes on it.
struct Device {
    std::string id; ///< as the backend calls it, lower case: "cpu", "cuda0", "vulkan0"
    DeviceKind kind = DeviceKind::cpu;
    std::string description;
    std::uint64_t total_bytes = 0;
    std::uint64_t free_bytes = 0;   ///< can be had now: after cgroups, limits and other programs
    std::uint64_t margin_bytes = 0; ///< stays free (memory.md 3.4); configuration
    std::uint64_t fixed_bytes = 0;  ///< what a backend takes here beside its buffers; guessed, then measured
    double bandwidth = 0;           ///< bytes read per second; 0: not known
    bool bandwidth_assumed = false; ///< nobody measured it: `bandwidth` is a usual value
    bool unified = false;           ///< shares the host's pool: counts once
    bool pretended = false;         ///< made by --ram or --gpu
    /// Bytes of weights per second that the device can turn into products, by tensor type ("Q4_K"), one
    /// sequence; types not named follow memory.md 4.5 from `bandwidth`.
    std::map<std::string, double> throughput;

    /// What buffers may take: free − margin − fixed, never below 0.
    std::uint64_t budget_bytes() const noexcept;
};

struct Machine {
    Device host;                      ///< kind cpu
    std::vector<Device> accelerators; ///< fastest first
    int cores = 1;                    ///< physical
    double disk_bandwidth = 0;        ///< bytes per second that a model is read with at load; 0: not measured
};

} // namespace hearth::runtime::memory
