#pragma once

#include "base/error.hpp"
#include "base/unique_fd.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The one protocol between the core and its children (fetch, launcher, runner), over an inherited
/// socketpair.
///
/// A frame on the wire, little-endian:
///   u32 head_bytes   JSON object text, may be 0        ≤ max_head_bytes
///   u32 body_bytes   raw bytes, may be 0               ≤ max_body_bytes
///   u32 stream       0 for hello, else the stream's id
///   u8  type         FrameType
///   u8  fds          descriptors that travel with this frame by SCM_RIGHTS, ≤ max_fds
///   u16 reserved     0
///   head, body
/// The first frame in each direction is `hello` {"protocol": 1, "role": "…", "version": "…"}; another
/// protocol number ends the connection. The core opens streams, with odd rising ids; a child answers on them.
/// `open` carries the request (head and body), then both sides may send `data`; `end` or `error` from the
/// child is the last frame of a stream; `cancel` from the core asks the child to come to that end soon. Flow
/// control counts body bytes of `data` per stream and direction: a sender starts with `initial_window_bytes`
/// and may not exceed what `credit` frames (body: u32 bytes) have added.
namespace hearth::process::wire {

inline constexpr std::uint32_t protocol_version = 1;
inline constexpr std::uint32_t header_bytes = 16;
inline constexpr std::uint32_t max_head_bytes = 1u << 20;
inline constexpr std::uint32_t max_body_bytes = 1u << 20;
inline constexpr std::uint32_t max_open_body_bytes =
    96u << 20; ///< a request body (images as base64) in an `open` frame
inline constexpr std::uint32_t max_fds = 128;
inline constexpr std::uint32_t initial_window_bytes = 2u << 20;
/// A receiver may hold back credit for less than this, so that a token does not cost a credit frame of its
/// own.
inline constexpr std::uint32_t credit_batch_bytes = 256u << 10;
// A sender waits until a whole frame fits its window: the largest one must fit although a batch of credit is
// held back.
static_assert(initial_window_bytes >= max_body_bytes + credit_batch_bytes);

enum class FrameType : std::uint8_t {
    hello = 1,
    open = 2,
    data = 3,
    end = 4,
    error = 5,
    cancel = 6,
    credit = 7
};

struct Frame {
    FrameType type = FrameType::data;
    std::uint32_t stream = 0;
    std::string head; ///< JSON text or empty
    std::string body;
    std::vector<UniqueFd> fds;
};

/// Header and head; the body follows it unchanged. @throws Error protocol when a limit is exceeded
std::string encode_header(const Frame& frame);
/// The same from parts, for senders that do not own the body.
std::string encode_header(FrameType type, std::uint32_t stream, std::string_view head, std::size_t body_bytes,
                          std::size_t fds);

/// Incremental decoder. Feed bytes as they arrive, take frames out. Allocates only what has arrived plus one
/// frame within the limits. Not thread-safe. Descriptors are handed over separately with `add_fds` in the
/// order they arrived, before the bytes they came with.
class FrameDecoder {
  public:
    void feed(std::span<const std::byte> bytes);
    void add_fds(std::vector<UniqueFd> fds);
    /// The next whole frame. @throws Error protocol: a limit, type, reserved bits, or more descriptors
    /// announced than came
    std::optional<Frame> next();

    /// Where to receive without an extra copy: the rest of a large body (may be empty), then a scratch area.
    /// Valid until the next call of a member.
    std::array<std::span<std::byte>, 2> prepare();
    /// `size` bytes were received into what `prepare` gave, in that order.
    void commit(std::size_t size);

  private:
    void take_header();
    void grow_body();
    void advance();
    void finish_frame();

    std::array<std::byte, header_bytes> header_{};
    std::size_t header_filled_ = 0;
    Frame frame_; // the one that arrives; its body grows up to body_size_
    std::size_t head_filled_ = 0;
    std::size_t body_filled_ = 0;
    std::size_t body_size_ = 0;
    std::uint8_t fds_announced_ = 0;
    std::deque<Frame> ready_;
    std::deque<UniqueFd> fds_; // arrived and not yet claimed by a frame
    std::vector<std::byte> scratch_;
    std::optional<Error> failure_; // thrown by next() once the frames before it are taken
};

} // namespace hearth::process::wire
