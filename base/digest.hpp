#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace hearth {

/// A SHA-256 that passed the grammar. The only way from a registry's text to a path in the store
/// (CVE-2024-37032, CVE-2026-7020: peers used the text itself).
class Digest {
  public:
    /// @param text  `sha256:` and 64 lower-case hex digits, nothing else
    /// @throws Error  bad_manifest
    static Digest parse(std::string_view text);
    static std::optional<Digest> try_parse(std::string_view text) noexcept;
    static Digest from_bytes(const std::array<std::uint8_t, 32>& bytes);

    /// 64 lower-case hex digits.
    const std::string& hex() const noexcept { return hex_; }
    /// `sha256:<hex>`.
    std::string text() const { return "sha256:" + hex_; }
    /// First 12 hex digits: what people see.
    std::string short_text() const { return hex_.substr(0, 12); }

    auto operator<=>(const Digest&) const = default;

  private:
    explicit Digest(std::string hex) : hex_(std::move(hex)) {}
    std::string hex_;
};

} // namespace hearth

template <> struct std::hash<hearth::Digest> {
    std::size_t operator()(const hearth::Digest& digest) const noexcept {
        return std::hash<std::string>{}(digest.hex());
    }
};
