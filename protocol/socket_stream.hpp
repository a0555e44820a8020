#pragma once

#include "base/unique_fd.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>

namespace hearth::protocol {

/// A connected Unix socket whose waits end at a deadline and at an interrupt. Blocking; owned by one request
/// of `Client`.
class SocketStream {
  public:
    /// @param interrupt_fd  -1, or readable when waiting shall end
    /// @throws Error  daemon_unreachable, invalid_argument when the path is too long for a socket address
    SocketStream(const std::filesystem::path& path, int interrupt_fd,
                 std::optional<std::chrono::milliseconds> limit);

    /// Sends everything, or as much as the peer takes before it stops reading: its answer says why it did.
    /// @throws Error  cancelled, timeout
    void send(std::string_view bytes);
    /// At least one byte; 0 at the end of the stream. @throws Error cancelled, timeout, daemon_unreachable
    std::size_t receive(std::span<char> buffer);

  private:
    void wait_for(short events) const;
    int milliseconds_left() const;

    UniqueFd fd_;
    int interrupt_fd_;
    std::optional<std::chrono::steady_clock::time_point> deadline_;
};

} // namespace hearth::protocol
