#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

namespace hearth::cli {

/// A `hearthd` that was started and left alone. It outlives this object and this program.
class StartedDaemon {
  public:
    explicit StartedDaemon(pid_t pid) : pid_(pid) {}

    /// Why it has ended, or nothing while it runs, and when it left because another one was quicker.
    std::optional<std::string> failure();

  private:
    pid_t pid_;
};

/// Starts the `hearthd` beside this program in a session of its own, so that the terminal's Ctrl-C and
/// hang-up do not reach it; its stdout and stderr are appended to `paths::log_file()`.
/// @throws Error  daemon_unreachable, store_failed for the log
StartedDaemon start_daemon();

} // namespace hearth::cli
