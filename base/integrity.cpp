#include "base/integrity.hpp"

#include "base/digest.hpp"
#include "base/error.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <vector>

#include <unistd.h>

namespace hearth {
namespace {

constexpr std::string_view sha512_prefix = "sha512-";
constexpr std::string_view sha256_prefix = "sha256-";

std::string base64_of(std::span<const unsigned char> bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0'); // and the terminator that OpenSSL writes
    text.resize(static_cast<std::size_t>(::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                                           bytes.data(), static_cast<int>(bytes.size()))));
    return text;
}

/// Whether a text is the base64 of so many bytes, with its padding.
bool is_base64(std::string_view text, std::size_t bytes) {
    const std::size_t padding = (3 - bytes % 3) % 3;
    if (text.size() != (bytes + 2) / 3 * 4 || !text.ends_with(std::string(padding, '='))) {
        return false;
    }
    text.remove_suffix(padding);
    return std::ranges::all_of(text, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
               c == '/';
    });
}

/// The first word of that kind that is well formed.
std::optional<std::string> find_word(std::string_view text, std::string_view prefix, std::size_t bytes) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        word = word.substr(0, word.find('?')); // options, which nobody defines
        if (word.starts_with(prefix) && is_base64(word.substr(prefix.size()), bytes)) {
            return std::string(word);
        }
    }
    return std::nullopt;
}

struct FreeContext {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

void expect_success(int result) {
    if (result != 1) {
        throw Error(ErrorCode::internal, "OpenSSL cannot hash");
    }
}

std::string hash_file(int fd, const EVP_MD* kind) {
    const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
    if (!context) {
        throw std::bad_alloc();
    }
    expect_success(EVP_DigestInit_ex(context.get(), kind, nullptr));
    constexpr std::size_t block_bytes = 1u << 20;
    std::vector<unsigned char> block(block_bytes);
    for (off_t offset = 0;;) {
        const ssize_t got = ::pread(fd, block.data(), block.size(), offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            throw system_error(errno, "reading a file to hash it");
        }
        if (got == 0) {
            break;
        }
        expect_success(EVP_DigestUpdate(context.get(), block.data(), static_cast<std::size_t>(got)));
        offset += got;
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
    unsigned length = 0;
    expect_success(EVP_DigestFinal_ex(context.get(), sum.data(), &length));
    return base64_of(std::span(sum).first(length));
}

int value_of(char digit) {
    return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

} // namespace

Integrity Integrity::parse(std::string_view text) {
    constexpr std::size_t sha512_bytes = 64;
    constexpr std::size_t sha256_bytes = 32;
    auto found = find_word(text, sha512_prefix, sha512_bytes);
    if (!found) {
        found = find_word(text, sha256_prefix, sha256_bytes);
    }
    if (!found) {
        throw Error(ErrorCode::invalid_argument, "\"" + std::string(text.substr(0, 200)) +
                                                     "\" is no checksum: sha512-… or sha256-… in base64 is");
    }
    return Integrity(std::move(*found));
}

Integrity Integrity::from_sha256(std::string_view hex) {
    std::string lower(hex);
    std::ranges::transform(lower, lower.begin(), [](char c) {
        return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    const auto digest = Digest::try_parse("sha256:" + lower);
    if (!digest) {
        throw Error(ErrorCode::invalid_argument, "a SHA-256 has 64 hex digits", "sha256sum FILE prints it");
    }
    std::array<unsigned char, 32> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<unsigned char>(value_of(lower[2 * i]) * 16 + value_of(lower[2 * i + 1]));
    }
    return Integrity(std::string(sha256_prefix) + base64_of(bytes));
}

Integrity Integrity::of_file(int fd) {
    return Integrity(std::string(sha512_prefix) + hash_file(fd, EVP_sha512()));
}

Integrity Integrity::of_same_kind(int fd) const {
    return text_.starts_with(sha512_prefix)
               ? of_file(fd)
               : Integrity(std::string(sha256_prefix) + hash_file(fd, EVP_sha256()));
}

} // namespace hearth
