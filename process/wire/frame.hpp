#pragma once

#include "base/unique_fd.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The one protocol between the core and its children (fetch, launcher, runner), over an inherited socketpair.
///
/// A frame on the wire, little-endian:
///   u32 head_bytes   JSON object text, may be 0        ≤ max_head_bytes
///   u32 body_bytes   raw bytes, may be 0               ≤ max_body_bytes
///   u32 stream       0 for hello, else the stream's id
///   u8  type         FrameType
///   u8  fds          descriptors that travel with this frame by SCM_RIGHTS, ≤ max_fds
///   u16 reserved     0
///   head, body
/// The first frame in each direction is `hello` {"protocol": 1, "role": "…", "version": "…"}; another protocol number ends the
/// connection. The core opens streams, with odd rising ids; a child answers on them. `open` carries the request (head and body),
/// then both sides may send `data`; `end` or `error` from the child is the last frame of a stream; `cancel` from the core asks the
/// child to come to that end soon. Flow control counts body bytes of `data` per stream and direction: a sender starts with
/// `initial_window_bytes` and may not exceed what `credit` frames (body: u32 bytes) have added.
namespace hearth::process::wire {

inline constexpr std::uint32_t protocol_version = 1;
inline constexpr std::uint32_t header_bytes = 16;
inline constexpr std::uint32_t max_head_bytes = 1u << 20;
inline constexpr std::uint32_t max_body_bytes = 1u << 20;
inline constexpr std::uint32_t max_open_body_bytes = 96u << 20; ///< a request body (images as base64) in an `open` frame
inline constexpr std::uint32_t max_fds = 128;
inline constexpr std::uint32_t initial_window_bytes = 1u << 20;

enum class FrameType : std::uint8_t { hello = 1, open = 2, data = 3, end = 4, error = 5, cancel = 6, credit = 7 };

struct Frame {
    FrameType type = FrameType::data;
    std::uint32_t stream = 0;
    std::string head; ///< JSON text or empty
    std::string body;
    std::vector<UniqueFd> fds;
};

/// Header and head; the body follows it unchanged. @throws Error protocol when a limit is exceeded
std::string encode_header(const Frame& frame);

/// Incremental decoder. Feed bytes as they arrive, take frames out. Allocates only what has arrived plus one frame within the limits.
/// Not thread-safe. Descriptors are handed over separately with `add_fds` in the order they arrived.
class FrameDecoder {
  public:
    void feed(std::span<const std::byte> bytes);
    void add_fds(std::vector<UniqueFd> fds);
    /// The next whole frame. @throws Error protocol: a limit, type, reserved bits, or more descriptors announced than came
    std::optional<Frame> next();

  private:
    std::string buffer_;
    std::size_t offset_ = 0;
    std::vector<UniqueFd> fds_;
};

} // namespace hearth::process::wire
