#pragma once

#include "runtime/memory/estimate.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace hearth::runtime::memory {

/// Memory of a process that is in RAM now, its share of mapped files included, from /proc/PID/status: that file
/// can be read of a process that is not dumpable, unlike smaps. nullopt: there is no such process.
std::optional<std::uint64_t> resident_bytes(pid_t pid);

/// What a runner has taken beside its buffers, right after its load: libraries, the tokenizer, the allocator.
/// Compute buffers are hardly touched then, so they count as not there: the result errs to the large side.
/// @param host  what the backend reported for the CPU
std::uint64_t fixed_bytes(std::uint64_t resident, const DeviceBytes& host) noexcept;

} // namespace hearth::runtime::memory
