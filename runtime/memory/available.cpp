#include "runtime/memory/available.hpp"

#include "runtime/memory/cgroup.hpp"
#include "runtime/memory/system_file.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include <sched.h>

namespace hearth::runtime::memory {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kibibyte = 1024;
constexpr std::uint64_t mebibyte = 1024 * kibibyte;
constexpr std::uint64_t never_overcommit = 2; // vm.overcommit_memory

std::uint64_t minus(std::uint64_t from, std::uint64_t what) noexcept {
    return from > what ? from - what : 0;
}

void add_overcommit(std::vector<MemoryLimit>& limits, const fs::path& root, std::string_view meminfo) {
    const auto limit = try_value(meminfo, "CommitLimit:");
    const auto committed = try_value(meminfo, "Committed_AS:");
    if (try_read_number(root / "proc/sys/vm/overcommit_memory") != never_overcommit || !limit || !committed) {
        return;
    }
    limits.push_back({.name = "overcommit",
                      .detail = "vm.overcommit_memory 2",
                      .limit_bytes = *limit * kibibyte,
                      .free_bytes = minus(*limit, *committed) * kibibyte,
                      .shared = true});
}

/// The limits that a runner inherits. It is a fresh process, so all of them is free.
void add_process_limits(std::vector<MemoryLimit>& limits, const fs::path& root) {
    const std::string text = try_read_text(root / "proc/self/limits").value_or("");
    for (const auto& [row, detail] : {std::pair{"Max address space", "max address space (ulimit -v)"},
                                      std::pair{"Max data size", "max data size (ulimit -d)"}}) {
        if (const auto limit = try_value(text, row)) { // the soft one; "unlimited" is no number
            limits.push_back({.name = "ulimit",
                              .detail = detail,
                              .limit_bytes = *limit,
                              .free_bytes = *limit,
                              .shared = false});
        }
    }
}

void sort_limits(std::vector<MemoryLimit>& limits) {
    std::ranges::sort(limits, {}, [](const MemoryLimit& limit) {
        return std::tie(limit.free_bytes, limit.name, limit.detail);
    });
}

std::uint64_t margin(std::uint64_t total, std::uint64_t least, std::uint64_t percent) noexcept {
    return std::min(std::max(least, total / 100 * percent), total / 4);
}

/// Logical processors that this process may run on.
std::set<std::uint64_t> allowed_processors() {
    std::set<std::uint64_t> result;
    cpu_set_t set;
    if (::sched_getaffinity(0, sizeof set, &set) == 0) {
        for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
            if (CPU_ISSET(cpu, &set)) {
                result.insert(cpu);
            }
        }
    }
    return result;
}

} // namespace

std::uint64_t HostMemory::free_bytes() const noexcept {
    const MemoryLimit* limit = ruling();
    return limit == nullptr ? 0 : limit->free_bytes;
}

std::uint64_t HostMemory::budget_bytes(std::uint64_t margin) const noexcept {
    std::uint64_t budget = limits.empty() ? 0 : limits.front().free_bytes;
    for (const MemoryLimit& limit : limits) {
        budget = std::min(budget, limit.shared ? minus(limit.free_bytes, margin) : limit.free_bytes);
    }
    return budget;
}

const MemoryLimit* HostMemory::ruling() const noexcept {
    return limits.empty() ? nullptr : &limits.front();
}

HostMemory read_host_memory(const fs::path& root) {
    HostMemory memory;
    const std::string meminfo = try_read_text(root / "proc/meminfo").value_or("");
    memory.total_bytes = try_value(meminfo, "MemTotal:").value_or(0) * kibibyte;
    memory.swap_total_bytes = try_value(meminfo, "SwapTotal:").value_or(0) * kibibyte;
    memory.swap_free_bytes = try_value(meminfo, "SwapFree:").value_or(0) * kibibyte;
    if (const auto available = try_value(meminfo, "MemAvailable:")) {
        memory.limits.push_back({.name = "available",
                                 .detail = "MemAvailable",
                                 .limit_bytes = memory.total_bytes,
                                 .free_bytes = *available * kibibyte,
                                 .shared = true});
    }
    for (MemoryLimit& limit : read_cgroup_limits(root)) {
        memory.total_bytes = std::min(memory.total_bytes, limit.limit_bytes);
        memory.limits.push_back(std::move(limit));
    }
    add_overcommit(memory.limits, root, meminfo);
    add_process_limits(memory.limits, root);
    sort_limits(memory.limits);
    return memory;
}

void add_ram_limit(HostMemory& memory, std::uint64_t limit_bytes, std::uint64_t held_bytes) {
    memory.limits.push_back({.name = "ram_limit",
                             .detail = "memory.ram_limit (HEARTH_RAM_LIMIT)",
                             .limit_bytes = limit_bytes,
                             .free_bytes = minus(limit_bytes, held_bytes),
                             .shared = false});
    sort_limits(memory.limits);
}

bool has_display(const fs::path& root) {
    std::error_code failed;
    for (fs::directory_iterator at(root / "sys/class/drm", failed), end; !failed && at != end;
         at.increment(failed)) {
        if (try_read_text(at->path() / "status").value_or("").starts_with("connected")) {
            return true;
        }
    }
    return false;
}

int count_cores(const fs::path& root) {
    const std::set<std::uint64_t> allowed = allowed_processors();
    std::set<std::pair<std::uint64_t, std::uint64_t>> cores;
    for (const std::uint64_t cpu : allowed) {
        const fs::path topology =
            root / "sys/devices/system/cpu" / ("cpu" + std::to_string(cpu)) / "topology";
        const auto core = try_read_number(topology / "core_id");
        const auto package = try_read_number(topology / "physical_package_id");
        if (core) {
            cores.emplace(package.value_or(0), *core);
        }
    }
    return static_cast<int>(std::max<std::size_t>(1, cores.empty() ? allowed.size() : cores.size()));
}

std::string cpu_model(const fs::path& root) {
    const std::string text = try_read_text(root / "proc/cpuinfo").value_or("");
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::string_view line = take_line(rest);
        const auto colon = line.find(": ");
        if (line.starts_with("model name") && colon != std::string_view::npos) {
            return std::string(line.substr(colon + 2));
        }
    }
    return "CPU";
}

std::uint64_t host_margin_bytes(std::uint64_t total, bool display) noexcept {
    return display ? margin(total, 1024 * mebibyte, 10) : margin(total, 512 * mebibyte, 5);
}

std::uint64_t gpu_margin_bytes(std::uint64_t total, bool display) noexcept {
    return display ? margin(total, 768 * mebibyte, 6) : margin(total, 512 * mebibyte, 4);
}

} // namespace hearth::runtime::memory
