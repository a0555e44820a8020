#pragma once

#include "runtime/memory/available.hpp"

#include <filesystem>
#include <vector>

namespace hearth::runtime::memory {

/// The limits of every memory cgroup from our own up to the root that we can see, in both versions. A level
/// allows limit − (used − reclaimable page cache). @param root  holds proc/ and sys/
std::vector<MemoryLimit> read_cgroup_limits(const std::filesystem::path& root);

} // namespace hearth::runtime::memory
