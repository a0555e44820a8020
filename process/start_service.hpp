#pragma once

#include "process/detached.hpp"

#include <optional>
#include <string>

namespace hearth::process {

/// A `hearthd` that this program has started. It outlives us.
class StartedService {
  public:
    explicit StartedService(DetachedProcess process) : process_(process) {}

    /// Why it has ended; nothing while it runs, and when it left because another one was quicker.
    std::optional<std::string> failure();

  private:
    DetachedProcess process_;
};

/// Starts the `hearthd` beside this program; its stdout and stderr are appended to `paths::log_file()`.
/// @throws Error  daemon_unreachable, store_failed for the log
StartedService start_service();

} // namespace hearth::process
