#include "process/wire/frame.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>

/// The decoder must give the same frames, or the same refusal, whether the bytes come at once, in pieces, or
/// are received in place. Input: one byte of descriptors that came before, one byte of piece size, then the
/// bytes of the socket.
namespace {

using namespace hearth;
using namespace hearth::process::wire;

struct Decoded {
    std::string frames; ///< all frames, flattened
    bool refused = false;

    bool operator==(const Decoded&) const = default;
};

void take_frames(FrameDecoder& decoder, Decoded& decoded) {
    try {
        while (const std::optional<Frame> frame = decoder.next()) {
            decoded.frames += encode_header(*frame) + frame->body; // an accepted frame can be sent again
        }
    } catch (const Error& error) {
        if (error.code() != ErrorCode::protocol) {
            std::abort();
        }
        decoded.refused = true;
    }
}

void feed_in_place(FrameDecoder& decoder, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        std::size_t done = 0;
        for (const auto& target : decoder.prepare()) {
            const std::size_t count = std::min(target.size(), bytes.size() - done);
            std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(done), count, target.begin());
            done += count;
        }
        decoder.commit(done);
        bytes = bytes.subspan(done);
    }
}

template <class Feed>
Decoded decode(std::span<const std::byte> bytes, std::size_t fds, std::size_t piece, Feed feed) {
    FrameDecoder decoder;
    decoder.add_fds(std::vector<UniqueFd>(fds));
    Decoded decoded;
    while (!bytes.empty()) {
        const std::size_t count = std::min(piece, bytes.size());
        feed(decoder, bytes.first(count));
        take_frames(decoder, decoded);
        bytes = bytes.subspan(count);
    }
    return decoded;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const std::size_t fds = data[0];
    const std::size_t piece = data[1] + 1u;
    const auto bytes = std::as_bytes(std::span(data, size)).subspan(2);
    const auto feed = [](FrameDecoder& decoder, std::span<const std::byte> part) { decoder.feed(part); };
    const Decoded whole = decode(bytes, fds, std::max<std::size_t>(bytes.size(), 1), feed);
    const Decoded pieces = decode(bytes, fds, piece, feed);
    const Decoded in_place = decode(bytes, fds, piece, feed_in_place);
    if (whole != pieces || whole != in_place) {
        std::abort();
    }
    return 0;
}
