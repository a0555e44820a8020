#pragma once

#include "base/unique_fd.hpp"

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// recvmsg and sendmsg with descriptors: what both sides of the wire, and the launcher, do with the socket
/// itself.
namespace hearth::process::wire {

class FrameDecoder;

enum class IoResult {
    done,        ///< bytes moved
    would_block, ///< only with IoMode::poll
    ended,       ///< the peer is gone
};
enum class IoMode { block, poll };

/// Receives once into `decoder`; descriptors are close-on-exec.
/// @throws Error  protocol: descriptors were cut off (MSG_CTRUNC); internal: the socket is unusable
IoResult receive_some(int socket, FrameDecoder& decoder, IoMode mode);

/// Sends once. `fds` travel with the first byte: after `done` with `sent` > 0 they must not be given again.
/// @throws Error  internal: the socket is unusable
IoResult send_some(int socket, std::span<const iovec> parts, std::span<const UniqueFd> fds, IoMode mode,
                   std::size_t& sent);

/// Sends a frame whole, blocking. @return false when the peer is gone
bool send_frame(int socket, std::string_view header, std::string_view body, std::span<const UniqueFd> fds);

} // namespace hearth::process::wire
