#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// What the host's memory can still give, and which limit says so. Pure functions over a root folder that holds
/// /proc and /sys, so that a test can describe any machine. Blocking (a few small files): run it on the pool.
/// Rules and their reasons: reference memory.md 3.1 and 3.4.
namespace hearth::runtime::memory {

/// One thing that bounds our memory.
struct MemoryLimit {
    /// "available" (the kernel's MemAvailable), "cgroup", "overcommit", "ulimit" or "ram_limit".
    std::string name;
    std::string detail;            ///< where it is set: "/user.slice memory.high", "max address space"
    std::uint64_t limit_bytes = 0; ///< what it allows altogether
    std::uint64_t free_bytes = 0;  ///< what can still be had below it
    /// Other programs draw on it as well, so the margin stays free below it. A cap on ourselves alone has none.
    bool shared = true;
};

/// The host's memory at one moment.
struct HostMemory {
    std::uint64_t total_bytes = 0;      ///< physical, or what the cgroups leave of it
    std::uint64_t swap_total_bytes = 0; ///< reported, never counted: weights are read for every token
    std::uint64_t swap_free_bytes = 0;
    std::vector<MemoryLimit> limits; ///< every limit that was found, tightest first

    /// The smallest of the limits; 0 when nothing could be read.
    std::uint64_t free_bytes() const noexcept;
    /// What may be taken so that `margin` stays free below every shared limit.
    std::uint64_t budget_bytes(std::uint64_t margin) const noexcept;
    /// The limit that decides; nullptr when nothing could be read.
    const MemoryLimit* ruling() const noexcept;
};

/// Reads MemAvailable, every level of the memory cgroup (v1, v2 and both at once), strict overcommit and the
/// process's own limits. What is absent or unreadable is no limit.
HostMemory read_host_memory(const std::filesystem::path& root = "/");

/// Adds the configured cap on the sum of all models. @param held  bytes that our runners hold now
void add_ram_limit(HostMemory& memory, std::uint64_t limit_bytes, std::uint64_t held_bytes);

/// Whether a screen is plugged in: a desktop needs more room, and its GPU draws.
bool has_display(const std::filesystem::path& root = "/");
/// Physical cores that this process may use; at least 1.
int count_cores(const std::filesystem::path& root = "/");
/// "model name" of /proc/cpuinfo; "CPU" when it is not said.
std::string cpu_model(const std::filesystem::path& root = "/");

/// What stays free in RAM when `memory.margin` is not set: max(1 GiB, 10 %) with a display, max(512 MiB, 5 %)
/// without; never more than a quarter of `total`.
std::uint64_t host_margin_bytes(std::uint64_t total, bool display) noexcept;
/// What stays free on a GPU when `memory.gpu_margin` is not set: max(768 MiB, 6 %) with a display,
/// max(512 MiB, 4 %) without; never more than a quarter of `total`.
std::uint64_t gpu_margin_bytes(std::uint64_t total, bool display) noexcept;

} // namespace hearth::runtime::memory
