#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace hearth::process {

/// A program that was started and left alone: it outlives this object and its parent. Not thread-safe.
class DetachedProcess {
  public:
    explicit DetachedProcess(pid_t pid) : pid_(pid) {}

    /// How it has ended.
    struct Ending {
        int exit_code = 0; ///< -1 when a signal ended it
        int signal = 0;
    };
    /// Nothing while it runs, and after it was told once.
    std::optional<Ending> try_reap() noexcept;

  private:
    pid_t pid_;
};

/// Starts a program in a session of its own, so that the terminal's Ctrl-C and hang-up do not reach it: stdin
/// is /dev/null, stdout and stderr are `log_fd`, every other descriptor is closed, signals are at their
/// defaults, the environment is ours. `spawn` (process/spawn.hpp) is for children that end with their parent.
/// @throws Error  daemon_unreachable when it cannot be started
DetachedProcess start_detached(const std::filesystem::path& program,
                               const std::vector<std::string>& arguments, int log_fd);

} // namespace hearth::process
