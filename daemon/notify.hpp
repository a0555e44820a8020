#pragma once

#include "base/unique_fd.hpp"

#include <string>

namespace hearth::daemon {

/// Tells the service manager how we are: systemd's notification protocol, spoken without libsystemd. Connects
/// when it is made, because a locked process cannot; without $NOTIFY_SOCKET it says nothing. Any thread.
class ServiceNotifier {
  public:
    /// Takes $NOTIFY_SOCKET out of the environment. A manager that does not answer is no error.
    ServiceNotifier();
    /// "READY=1", "STOPPING=1", "STATUS=…".
    void send(const std::string& state) const noexcept;

  private:
    UniqueFd socket_;
};

} // namespace hearth::daemon
