#pragma once

#include "process/detached.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace hearth::process {

/// A `hearthd` that this program has started. It outlives us.
class StartedService {
  public:
    /// @param log_before  bytes in its log before it was started
    StartedService(DetachedProcess process, std::uintmax_t log_before)
        : process_(process), log_before_(log_before) {}

    /// Why it has ended, with the last that it said; nothing while it runs, and when it left because another one was
    /// quicker.
    std::optional<std::string> failure();

  private:
    std::string last_words() const;

    DetachedProcess process_;
    std::uintmax_t log_before_;
};

/// Starts the `hearthd` beside this program; its stdout and stderr are appended to `paths::log_file()`.
/// @throws Error  daemon_unreachable, store_failed for the log
StartedService start_service();

} // namespace hearth::process
