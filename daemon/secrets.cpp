#include "daemon/secrets.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <string_view>

namespace hearth::daemon {
namespace {

/// Base64 of RFC 4648 section 5, without padding: 43 characters of 32 bytes.
std::string base64url(std::span<const std::uint8_t> bytes) {
    static constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    std::uint32_t bits = 0;
    int count = 0;
    for (const std::uint8_t byte : bytes) {
        bits = bits << 8 | byte;
        for (count += 8; count >= 6; count -= 6) {
            text += letters[bits >> (count - 6) & 63];
        }
    }
    if (count > 0) {
        text += letters[bits << (6 - count) & 63];
    }
    return text;
}

} // namespace

void fill_random(std::span<std::uint8_t> bytes) {
    for (std::size_t filled = 0; filled < bytes.size();) {
        const ssize_t got = ::getrandom(bytes.data() + filled, bytes.size() - filled, 0);
        if (got < 0 && errno != EINTR) {
            throw system_error(errno, "asking the system for random bytes", ErrorCode::internal);
        }
        filled += got > 0 ? static_cast<std::size_t>(got) : 0;
    }
}

std::string random_secret() {
    std::array<std::uint8_t, 32> bytes{};
    fill_random(bytes);
    return base64url(bytes);
}

std::string random_id() {
    std::array<std::uint8_t, 4> bytes{};
    fill_random(bytes);
    return fmt::format("{:02x}{:02x}{:02x}{:02x}", bytes[0], bytes[1], bytes[2], bytes[3]);
}

bool equal_in_constant_time(const std::string& one, const std::string& other) {
    if (one.size() != other.size()) {
        return false;
    }
    volatile unsigned difference = 0;
    for (std::size_t i = 0; i < one.size(); ++i) {
        difference = difference | static_cast<unsigned char>(one[i] ^ other[i]);
    }
    return difference == 0;
}

} // namespace hearth::daemon
