#include "process/wire/frame.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>

#include <fmt/format.h>

namespace hearth::process::wire {

namespace {

constexpr std::size_t scratch_bytes = 32u << 10;
constexpr std::size_t unclaimed_fds_limit = std::size_t{4} * max_fds;

void put_u32(std::string& out, std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) {
        out.push_back(static_cast<char>((value >> shift) & 0xff));
    }
}

std::uint32_t get_u32(const std::byte* bytes) {
    std::uint32_t value = 0;
    for (int index = 3; index >= 0; --index) {
        value = value << 8 | std::to_integer<std::uint32_t>(bytes[index]);
    }
    return value;
}

bool may_carry_fds(FrameType type) {
    return type == FrameType::open || type == FrameType::data || type == FrameType::end;
}

/// The rules that both directions share. @throws Error protocol
void check_header(std::uint8_t type_value, std::uint32_t stream, std::size_t head, std::size_t body,
                  std::size_t fds) {
    auto refuse = [](std::string text) { throw Error(ErrorCode::protocol, "wire: " + text); };
    if (type_value < static_cast<std::uint8_t>(FrameType::hello) ||
        type_value > static_cast<std::uint8_t>(FrameType::credit)) {
        refuse(fmt::format("frame type {} is unknown", type_value));
    }
    const auto type = static_cast<FrameType>(type_value);
    if ((type == FrameType::hello) != (stream == 0)) {
        refuse(fmt::format("frame type {} on stream {}", type_value, stream));
    }
    if (head > max_head_bytes) {
        refuse(fmt::format("head of {} bytes, at most {} are allowed", head, max_head_bytes));
    }
    const std::size_t body_limit = type == FrameType::open ? max_open_body_bytes : max_body_bytes;
    if (body > body_limit) {
        refuse(fmt::format("body of {} bytes, at most {} are allowed", body, body_limit));
    }
    if (type == FrameType::credit && (body != 4 || head != 0)) {
        refuse("a credit frame holds four bytes");
    }
    if (type == FrameType::cancel && (body != 0 || head != 0)) {
        refuse("a cancel frame is empty");
    }
    if (fds > max_fds || (fds > 0 && !may_carry_fds(type))) {
        refuse(fmt::format("{} descriptors with frame type {}", fds, type_value));
    }
}

/// Gives `text` its size without writing the bytes, which the socket fills.
void resize_uninitialised(std::string& text, std::size_t size) {
    text.resize_and_overwrite(size, [size](char*, std::size_t) { return size; });
}

/// Copies what fits into `target` from its `filled` byte on; returns how much that was.
std::size_t fill(char* target, std::size_t size, std::size_t& filled, std::span<const std::byte> bytes) {
    const std::size_t count = std::min(size - filled, bytes.size());
    if (count > 0) {
        std::memcpy(target + filled, bytes.data(), count);
        filled += count;
    }
    return count;
}

} // namespace

std::string encode_header(FrameType type, std::uint32_t stream, std::string_view head, std::size_t body_bytes,
                          std::size_t fds) {
    check_header(static_cast<std::uint8_t>(type), stream, head.size(), body_bytes, fds);
    std::string out;
    out.reserve(header_bytes + head.size());
    put_u32(out, static_cast<std::uint32_t>(head.size()));
    put_u32(out, static_cast<std::uint32_t>(body_bytes));
    put_u32(out, stream);
    out.push_back(static_cast<char>(type));
    out.push_back(static_cast<char>(fds));
    out.append(2, '\0');
    out.append(head);
    return out;
}

std::string encode_header(const Frame& frame) {
    return encode_header(frame.type, frame.stream, frame.head, frame.body.size(), frame.fds.size());
}

void FrameDecoder::take_header() {
    const std::size_t head = get_u32(&header_[0]);
    const std::size_t body = get_u32(&header_[4]);
    const std::uint32_t stream = get_u32(&header_[8]);
    const auto type = std::to_integer<std::uint8_t>(header_[12]);
    const auto fds = std::to_integer<std::uint8_t>(header_[13]);
    if (header_[14] != std::byte{0} || header_[15] != std::byte{0}) {
        throw Error(ErrorCode::protocol, "wire: reserved bits are set");
    }
    check_header(type, stream, head, body, fds);
    frame_ = Frame{};
    frame_.type = static_cast<FrameType>(type);
    frame_.stream = stream;
    resize_uninitialised(frame_.head, head);
    body_size_ = body;
    fds_announced_ = fds;
}

void FrameDecoder::finish_frame() {
    if (fds_announced_ > fds_.size()) {
        throw Error(ErrorCode::protocol,
                    fmt::format("wire: {} descriptors announced, {} came", fds_announced_, fds_.size()));
    }
    for (unsigned count = 0; count < fds_announced_; ++count) {
        frame_.fds.push_back(std::move(fds_.front()));
        fds_.pop_front();
    }
    ready_.push_back(std::move(frame_));
    frame_ = Frame{};
    header_filled_ = 0;
    head_filled_ = 0;
    body_filled_ = 0;
    body_size_ = 0;
}

/// Makes room for the body at one go, but for the large body of an `open`: that one grows with what really
/// arrives.
void FrameDecoder::grow_body() {
    if (body_filled_ == frame_.body.size() && body_filled_ < body_size_) {
        const std::size_t step = std::max<std::size_t>(max_body_bytes, 2 * body_filled_);
        resize_uninitialised(frame_.body, std::min(body_size_, step));
    }
}

void FrameDecoder::advance() {
    if (header_filled_ == header_bytes && head_filled_ == frame_.head.size() && body_filled_ == body_size_) {
        finish_frame();
    }
}

void FrameDecoder::feed(std::span<const std::byte> bytes) {
    if (failure_) {
        return;
    }
    try {
        while (!bytes.empty()) {
            if (header_filled_ < header_bytes) {
                auto* header = reinterpret_cast<char*>(header_.data());
                bytes = bytes.subspan(fill(header, header_bytes, header_filled_, bytes));
                if (header_filled_ == header_bytes) {
                    take_header();
                }
            }
            if (header_filled_ == header_bytes) {
                bytes = bytes.subspan(fill(frame_.head.data(), frame_.head.size(), head_filled_, bytes));
                if (!bytes.empty()) {
                    grow_body();
                    bytes = bytes.subspan(fill(frame_.body.data(), frame_.body.size(), body_filled_, bytes));
                }
                advance();
            }
        }
    } catch (const Error& error) {
        failure_ = error;
    }
}

void FrameDecoder::add_fds(std::vector<UniqueFd> fds) {
    std::move(fds.begin(), fds.end(), std::back_inserter(fds_));
    if (fds_.size() > unclaimed_fds_limit && !failure_) {
        failure_ = Error(ErrorCode::protocol, "wire: descriptors came that no frame announced");
    }
}

std::optional<Frame> FrameDecoder::next() {
    if (!ready_.empty()) {
        std::optional<Frame> frame = std::move(ready_.front());
        ready_.pop_front();
        return frame;
    }
    if (failure_) {
        throw Error(*failure_);
    }
    return std::nullopt;
}

std::array<std::span<std::byte>, 2> FrameDecoder::prepare() {
    if (scratch_.empty()) {
        scratch_.resize(scratch_bytes);
    }
    std::span<std::byte> body;
    if (!failure_ && header_filled_ == header_bytes && head_filled_ == frame_.head.size()) {
        grow_body();
        body = std::as_writable_bytes(std::span(frame_.body)).subspan(body_filled_);
    }
    return {body, std::span(scratch_)};
}

void FrameDecoder::commit(std::size_t size) {
    if (failure_) {
        return;
    }
    const std::size_t into_body = std::min(size, frame_.body.size() - body_filled_);
    body_filled_ += into_body;
    if (into_body > 0) {
        try {
            advance();
        } catch (const Error& error) {
            failure_ = error;
        }
    }
    feed(std::span(scratch_).first(size - into_body));
}

} // namespace hearth::process::wire
