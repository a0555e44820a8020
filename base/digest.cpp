#include "base/digest.hpp"

#include "base/error.hpp"

#include <algorithm>

namespace hearth {
namespace {

constexpr std::string_view prefix = "sha256:";
constexpr std::size_t hex_digits = 64;

bool is_hex_digit(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool is_digest(std::string_view text) noexcept {
    return text.size() == prefix.size() + hex_digits && text.starts_with(prefix) &&
           std::all_of(text.begin() + prefix.size(), text.end(), is_hex_digit);
}

} // namespace

std::optional<Digest> Digest::try_parse(std::string_view text) noexcept {
    if (!is_digest(text)) {
        return std::nullopt;
    }
    return Digest(std::string(text.substr(prefix.size())));
}

Digest Digest::parse(std::string_view text) {
    auto digest = try_parse(text);
    if (!digest) {
        throw Error(ErrorCode::bad_manifest, "not a digest (sha256: and 64 lower-case hex digits): \"" +
                                                 std::string(text.substr(0, 100)) + "\"");
    }
    return std::move(*digest);
}

Digest Digest::from_bytes(const std::array<std::uint8_t, 32>& bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    hex.reserve(hex_digits);
    for (const std::uint8_t byte : bytes) {
        hex += digits[byte >> 4];
        hex += digits[byte & 15];
    }
    return Digest(std::move(hex));
}

} // namespace hearth
