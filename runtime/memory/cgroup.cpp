#include "runtime/memory/cgroup.hpp"

#include "runtime/memory/system_file.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::runtime::memory {

namespace fs = std::filesystem;

namespace {

/// Version 1 writes "no limit" as the largest multiple of a page; nothing real is in the exbibytes.
constexpr std::uint64_t unlimited_from = 1ull << 60;

/// One mounted hierarchy that may hold memory limits.
struct Hierarchy {
    int version = 2;
    std::string mount;      ///< where it is mounted
    std::string mount_root; ///< which group that is: "/" or, in a container, the container's
    std::string own;        ///< our group
};

std::string_view take_word(std::string_view& line) {
    const auto end = line.find(' ');
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
    return word;
}

bool has_word(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        const auto end = list.find(',');
        if (list.substr(0, end) == word) {
            return true;
        }
        list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
    }
    return false;
}

/// Our group in /proc/self/cgroup: "0::/path" for version 2, "4:memory:/path" for version 1.
std::optional<std::string> own_group(std::string_view cgroups, int version) {
    while (!cgroups.empty()) {
        const std::string_view line = take_line(cgroups);
        const auto first = line.find(':');
        const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
        if (second == std::string_view::npos) {
            continue;
        }
        const std::string_view controllers = line.substr(first + 1, second - first - 1);
        if (version == 2 ? line.starts_with("0::") : has_word(controllers, "memory")) {
            return std::string(line.substr(second + 1));
        }
    }
    return std::nullopt;
}

/// One line of mountinfo (proc(5)): id, parent, device, root, mount point, options…, "-", type, source, options.
std::optional<Hierarchy> hierarchy_of(std::string_view line) {
    const auto dash = line.find(" - ");
    if (dash == std::string_view::npos) {
        return std::nullopt;
    }
    std::string_view behind = line.substr(dash + 3);
    const std::string_view type = take_word(behind);
    take_word(behind);
    Hierarchy result;
    if (type == "cgroup" && has_word(behind, "memory")) {
        result.version = 1;
    } else if (type != "cgroup2") {
        return std::nullopt;
    }
    for (int skipped = 0; skipped < 3; ++skipped) {
        take_word(line);
    }
    result.mount_root = take_word(line);
    result.mount = take_word(line);
    return result;
}

std::vector<Hierarchy> hierarchies(const fs::path& root) {
    const auto mounts = try_read_text(root / "proc/self/mountinfo");
    const auto cgroups = try_read_text(root / "proc/self/cgroup");
    std::vector<Hierarchy> result;
    std::string_view rest = mounts ? std::string_view(*mounts) : std::string_view();
    while (!rest.empty() && cgroups) {
        auto hierarchy = hierarchy_of(take_line(rest));
        if (!hierarchy) {
            continue;
        }
        if (auto own = own_group(*cgroups, hierarchy->version)) {
            hierarchy->own = std::move(*own);
            result.push_back(std::move(*hierarchy));
        }
    }
    return result;
}

/// The groups from our own up to the mount, as paths below it. A container that keeps the host's path in
/// /proc/self/cgroup has its own group mounted as the root.
std::vector<std::string> groups_of(const Hierarchy& hierarchy) {
    std::string path = hierarchy.own;
    if (hierarchy.mount_root != "/") {
        const bool below = path == hierarchy.mount_root || path.starts_with(hierarchy.mount_root + "/");
        path = below ? path.substr(hierarchy.mount_root.size()) : "";
    }
    std::vector<std::string> groups;
    while (!path.empty() && path != "/" && !path.starts_with("/..")) {
        groups.push_back(path);
        path.resize(path.find_last_of('/'));
    }
    groups.push_back("/");
    return groups;
}

std::uint64_t minus(std::uint64_t from, std::uint64_t what) {
    return from > what ? from - what : 0;
}

MemoryLimit make_limit(const std::string& group, const char* file, std::uint64_t limit, std::uint64_t held) {
    return {.name = "cgroup",
            .detail = group + " " + file,
            .limit_bytes = limit,
            .free_bytes = minus(limit, held),
            .shared = true};
}

void add_version_2(std::vector<MemoryLimit>& limits, const fs::path& folder, const std::string& group) {
    const auto current = try_read_number(folder / "memory.current").value_or(0);
    const std::string stat = try_read_text(folder / "memory.stat").value_or("");
    const std::uint64_t reclaimable =
        try_value(stat, "inactive_file").value_or(0) + try_value(stat, "slab_reclaimable").value_or(0);
    // Above memory.high the kernel throttles until nothing moves: a limit as well.
    for (const char* file : {"memory.max", "memory.high"}) {
        if (const auto limit = try_read_number(folder / file)) {
            limits.push_back(make_limit(group, file, *limit, minus(current, reclaimable)));
        }
    }
}

void add_version_1(std::vector<MemoryLimit>& limits, const fs::path& folder, const std::string& group) {
    const auto used = try_read_number(folder / "memory.usage_in_bytes").value_or(0);
    const std::string stat = try_read_text(folder / "memory.stat").value_or("");
    const std::uint64_t held = minus(used, try_value(stat, "total_inactive_file").value_or(0));
    const auto limit = try_read_number(folder / "memory.limit_in_bytes").value_or(unlimited_from);
    if (limit < unlimited_from) {
        limits.push_back(make_limit(group, "memory.limit_in_bytes", limit, held));
    }
    // Groups above the mount are not visible from a container; this is the tightest of them.
    const auto above = try_value(stat, "hierarchical_memory_limit").value_or(unlimited_from);
    if (above < std::min(limit, unlimited_from)) {
        limits.push_back(make_limit(group, "hierarchical_memory_limit", above, held));
    }
}

} // namespace

std::vector<MemoryLimit> read_cgroup_limits(const fs::path& root) {
    std::vector<MemoryLimit> limits;
    for (const Hierarchy& hierarchy : hierarchies(root)) {
        const fs::path mount = root / fs::path(hierarchy.mount).relative_path();
        for (const std::string& group : groups_of(hierarchy)) {
            const fs::path folder = mount / fs::path(group).relative_path();
            if (hierarchy.version == 2) {
                add_version_2(limits, folder, group);
            } else {
                add_version_1(limits, folder, group);
            }
        }
    }
    return limits;
}

} // namespace hearth::runtime::memory
