#pragma once

#include <string>
#include <string_view>

namespace hearth {

/// The checksum of a whole file as npm writes it (Subresource Integrity): `sha512-<base64>` or `sha256-<base64>`.
class Integrity {
  public:
    /// @param text  as npm gives it; of several words the first SHA-512 counts, else the first SHA-256. Weaker sums alone
    /// are refused.
    /// @throws Error  invalid_argument
    static Integrity parse(std::string_view text);
    /// @param hex  64 hex digits, as sha256sum prints them
    /// @throws Error  invalid_argument
    static Integrity from_sha256(std::string_view hex);
    /// SHA-512 of an open file, read from its start whatever its offset. Blocking. @throws Error store_failed
    static Integrity of_file(int fd);

    /// The same sum of another file, to compare with. Blocking. @throws Error store_failed
    Integrity of_same_kind(int fd) const;
    const std::string& text() const noexcept { return text_; }

    bool operator==(const Integrity&) const = default;

  private:
    explicit Integrity(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

} // namespace hearth
