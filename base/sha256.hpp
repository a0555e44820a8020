#pragma once

#include "base/digest.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace hearth {

/// Incremental SHA-256 (OpenSSL EVP, SHA-NI where present). Not thread-safe; one hash per object.
class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void update(std::span<const std::byte> bytes);
    void update(std::string_view bytes);
    /// The digest of everything so far; the object keeps hashing afterwards.
    Digest peek() const;

  private:
    struct Context;
    std::unique_ptr<Context> context_;
};

Digest sha256_of(std::string_view bytes);

/// Reads `length` bytes of `fd` from its start with pread (whole file when absent). Blocking.
/// @throws Error  store_failed
Digest sha256_of_file(int fd, std::optional<std::uint64_t> length = {});

} // namespace hearth
