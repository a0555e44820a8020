#include "registry/gguf/reader.hpp"

#include "base/error.hpp"
#include "registry/gguf/byte_source.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fmt/format.h>

namespace hearth::registry::gguf {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{256} << 10;

} // namespace

Reader::Reader(const ByteSource& source)
    : source_(source), file_size_(source.size()), end_(std::min(file_size_, limits::header_bytes)),
      window_(source.in_memory().substr(0, end_)) {}

void Reader::set_context(const char* what, std::uint64_t number, std::uint64_t count) noexcept {
    what_ = what;
    number_ = number;
    count_ = count;
    name_ = {};
}

std::string Reader::context() const {
    if (what_ == nullptr)
        return "the head";
    return name_.empty() ? fmt::format("{} {} of {}", what_, number_, count_)
                         : fmt::format("{} '{}'", what_, name_);
}

void Reader::fail(const std::string& text) const {
    throw Error(ErrorCode::model_invalid,
                fmt::format("bad GGUF: {} (in {}, byte {})", text, context(), position_));
}

void Reader::require(std::uint64_t bytes) const {
    if (bytes > left()) {
        if (end_ == file_size_)
            fail(fmt::format("truncated: {} bytes more are needed, the file has {} left", bytes, left()));
        fail(fmt::format("the header is larger than {} bytes", limits::header_bytes));
    }
    if (position_ + bytes > source_.available())
        throw Starved(position_ + bytes);
}

std::uint64_t Reader::left_here() const noexcept {
    return std::min(end_, source_.available()) - position_;
}

void Reader::open_window() {
    buffer_.resize(std::min<std::uint64_t>(buffer_bytes, left_here()));
    source_.read(position_, buffer_);
    window_ = std::string_view(buffer_.data(), buffer_.size());
    window_start_ = position_;
}

/// Only what require() has allowed: those bytes are there.
void Reader::copy(char* out, std::size_t bytes) {
    while (bytes > 0) {
        if (position_ - window_start_ >= window_.size())
            open_window();
        const std::size_t from = position_ - window_start_;
        const std::size_t take = std::min(bytes, window_.size() - from);
        std::memcpy(out, window_.data() + from, take);
        out += take;
        bytes -= take;
        position_ += take;
    }
}

template <class Integer> Integer Reader::integer() {
    unsigned char bytes[sizeof(Integer)];
    const std::uint64_t from = position_ - window_start_;
    if (from <= window_.size() && window_.size() - from >= sizeof bytes) {
        std::memcpy(bytes, window_.data() + from, sizeof bytes);
        position_ += sizeof bytes;
    } else {
        require(sizeof bytes);
        copy(reinterpret_cast<char*>(bytes), sizeof bytes);
    }
    std::uint64_t value = 0; // little-endian, whatever this machine is
    for (std::size_t i = 0; i < sizeof bytes; ++i)
        value |= std::uint64_t{bytes[i]} << (8 * i);
    return static_cast<Integer>(value);
}
template std::uint8_t Reader::integer();
template std::int8_t Reader::integer();
template std::uint16_t Reader::integer();
template std::int16_t Reader::integer();
template std::uint32_t Reader::integer();
template std::int32_t Reader::integer();
template std::uint64_t Reader::integer();
template std::int64_t Reader::integer();

float Reader::f32() {
    return std::bit_cast<float>(integer<std::uint32_t>());
}

double Reader::f64() {
    return std::bit_cast<double>(integer<std::uint64_t>());
}

std::uint64_t Reader::string_length(std::uint64_t limit, const char* what) {
    const auto length = integer<std::uint64_t>();
    if (length > limit)
        fail(fmt::format("a {} of {} bytes, at most {} are allowed", what, length, limit));
    require(length);
    return length;
}

std::string Reader::string(std::uint64_t limit, const char* what) {
    std::string text(string_length(limit, what), '\0');
    copy(text.data(), text.size());
    return text;
}

void Reader::skip_strings(std::uint64_t count, std::uint64_t limit, const char* what) {
    for (std::uint64_t i = 0; i < count; ++i)
        position_ += string_length(limit, what);
}

void Reader::skip(std::uint64_t bytes) {
    require(bytes);
    position_ += bytes;
}

} // namespace hearth::registry::gguf
