#include "base/sha256.hpp"

#include "base/error.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <unistd.h>
#include <vector>

namespace hearth {
namespace {

struct FreeContext {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};
using EvpContext = std::unique_ptr<EVP_MD_CTX, FreeContext>;

EvpContext make_context() {
    EvpContext context(EVP_MD_CTX_new());
    if (!context) {
        throw std::bad_alloc();
    }
    return context;
}

void expect_success(int result) {
    if (result != 1) {
        throw Error(ErrorCode::internal, "OpenSSL cannot hash with SHA-256");
    }
}

} // namespace

struct Sha256::Context {
    EvpContext evp = make_context();
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
    expect_success(EVP_DigestInit_ex(context_->evp.get(), EVP_sha256(), nullptr));
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
    expect_success(EVP_DigestUpdate(context_->evp.get(), bytes.data(), bytes.size()));
}

void Sha256::update(std::string_view bytes) {
    update(std::as_bytes(std::span(bytes)));
}

Digest Sha256::peek() const {
    const EvpContext copy = make_context();
    expect_success(EVP_MD_CTX_copy_ex(copy.get(), context_->evp.get()));
    std::array<std::uint8_t, 32> bytes{};
    expect_success(EVP_DigestFinal_ex(copy.get(), bytes.data(), nullptr));
    return Digest::from_bytes(bytes);
}

Digest sha256_of(std::string_view bytes) {
    Sha256 hash;
    hash.update(bytes);
    return hash.peek();
}

Digest sha256_of_file(int fd, std::optional<std::uint64_t> length) {
    constexpr std::size_t block_bytes = 1u << 20;
    std::vector<std::byte> block(block_bytes);
    Sha256 hash;
    std::uint64_t offset = 0;
    while (!length || offset < *length) {
        const std::uint64_t left = length ? *length - offset : block_bytes;
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, block_bytes));
        const ssize_t got = ::pread(fd, block.data(), wanted, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            throw system_error(errno, "reading a file to hash it");
        }
        if (got == 0) {
            break;
        }
        hash.update(std::span(block).first(static_cast<std::size_t>(got)));
        offset += static_cast<std::uint64_t>(got);
    }
    if (length && offset < *length) {
        throw Error(ErrorCode::store_failed, "a file to hash is shorter than it should be");
    }
    return hash.peek();
}

} // namespace hearth
