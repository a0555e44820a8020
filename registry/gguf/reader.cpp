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
    : source_(source), file_size_(source.size()), end_(std::min(file_size_, limits::metadata_bytes)) {}

void Reader::fail(const std::string& text) const {
    throw Error(ErrorCode::model_invalid,
                fmt::format("bad GGUF: {} (in {}, byte {})", text, context_, position_));
}

void Reader::require(std::uint64_t bytes) {
    if (bytes > left()) {
        if (end_ == file_size_)
            fail(fmt::format("truncated: {} bytes more are needed, the file has {} left", bytes, left()));
        fail(fmt::format("the metadata is larger than {} bytes", limits::metadata_bytes));
    }
    if (position_ + bytes > source_.available())
        throw Starved(position_ + bytes);
}

void Reader::copy(char* out, std::size_t bytes) {
    while (bytes > 0) {
        const std::uint64_t buffer_end = buffer_start_ + buffer_.size();
        if (position_ < buffer_start_ || position_ >= buffer_end) {
            buffer_.resize(std::min<std::uint64_t>(buffer_bytes, source_.available() - position_));
            source_.read(position_, buffer_);
            buffer_start_ = position_;
            continue;
        }
        const std::size_t take = std::min<std::uint64_t>(bytes, buffer_end - position_);
        std::memcpy(out, buffer_.data() + (position_ - buffer_start_), take);
        out += take;
        bytes -= take;
        position_ += take;
    }
}

template <class Integer> Integer Reader::integer() {
    require(sizeof(Integer));
    unsigned char bytes[sizeof(Integer)];
    copy(reinterpret_cast<char*>(bytes), sizeof bytes);
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

void Reader::skip_string(std::uint64_t limit, const char* what) {
    position_ += string_length(limit, what);
}

void Reader::skip(std::uint64_t bytes) {
    require(bytes);
    position_ += bytes;
}

} // namespace hearth::registry::gguf
