#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace hearth::cli::backend {

/// Whether a text can be a version: at most 64 letters, digits, dots, +, - and _, a digit first. It becomes part of a
/// folder's name.
bool is_version(std::string_view text) noexcept;
/// Whether a text can be a backend's name: at most 64 lower-case letters, digits, - and _.
bool is_backend_name(std::string_view text) noexcept;

/// The order of versions: by Semantic Versioning 2.0.0, for any number of parts (1.0 and 1.0.0 are equal, +build does not
/// count).
std::weak_ordering compare_versions(std::string_view a, std::string_view b) noexcept;

/// What people type: "cuda", or "cuda@0.5.0".
struct BackendId {
    std::string name;
    std::string version; ///< empty: any

    /// @throws Error  usage
    static BackendId parse(std::string_view text);
    /// As it is typed; also the folder's name in `.versions`.
    std::string text() const { return version.empty() ? name : name + "@" + version; }

    bool operator==(const BackendId&) const = default;
};

} // namespace hearth::cli::backend
