#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

/// What runs between fork and exec, and in the launcher after its fork. Internal to the room.
namespace hearth::process {

/// Closes every descriptor but stdin, stdout, stderr and `kept` (ascending, ≥ 3). Async-signal-safe.
void close_all_but(std::span<const int> kept) noexcept;

/// Default disposition for every signal and an empty mask. Async-signal-safe.
void reset_signals() noexcept;

/// The kernel kills this process when the calling thread's parent thread ends; exits at once when `parent` is
/// gone already. Async-signal-safe.
void die_with_parent(pid_t parent) noexcept;

/// RLIMIT_CORE 0 and PR_SET_DUMPABLE 0: what the process has seen stays out of core files and of other
/// processes' reach.
void forbid_dumps() noexcept;

/// The clean environment of a child, as "NAME=value"; `added` replaces what has the same name.
/// @throws Error  invalid_argument when `added` holds LD_*
std::vector<std::string> child_environment(const std::vector<std::string>& added);

} // namespace hearth::process
