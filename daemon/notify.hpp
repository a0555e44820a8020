#pragma once

#include "base/unique_fd.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace hearth::daemon {

/// Tells the service manager how we are: systemd's notification protocol, spoken without libsystemd. Connects
/// when it is made, because a locked process cannot; without $NOTIFY_SOCKET it says nothing. Any thread.
class ServiceNotifier {
  public:
    /// Takes $NOTIFY_SOCKET and $WATCHDOG_* out of the environment. A manager that does not answer is no error.
    ServiceNotifier();
    /// "READY=1", "STOPPING=1", "STATUS=…".
    void send(const std::string& state) const noexcept;
    /// How often the manager wants to hear "WATCHDOG=1" at least, from $WATCHDOG_USEC; nothing when it watches not.
    std::optional<std::chrono::microseconds> watchdog() const noexcept { return watchdog_; }

  private:
    UniqueFd socket_;
    std::optional<std::chrono::microseconds> watchdog_;
};

} // namespace hearth::daemon
