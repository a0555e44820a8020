#pragma once

#include "cli/backend/backend_id.hpp"
#include "cli/backend/manifest.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace hearth::cli::backend {

/// Who brought a backend.
enum class Origin : std::uint8_t {
    package, ///< Hearth's own installation
    user,    ///< `hearth backend install`
    folder,  ///< somebody put its folder into the plugin folder
};
/// "package", "user", "folder".
std::string_view origin_name(Origin origin) noexcept;

/// Where backends lie: the shipped plugin folder and the user's, see `paths::plugin_dirs`.
struct Places {
    std::filesystem::path shipped;
    std::filesystem::path user;

    /// Of the program that runs and its user.
    static Places own();
    std::filesystem::path versions() const { return user / ".versions"; }
    std::filesystem::path used() const { return user / ".used"; }
};

/// One backend in one version.
struct Installed {
    BackendId id; ///< of `user`: as its package calls it; else as the manifest does
    Origin origin = Origin::package;
    std::filesystem::path root; ///< of `user`: the folder that is its own; else empty
    Manifest manifest;          ///< its name is what `--backend` takes; several backends may have the same
    bool used = false;          ///< the service takes this one of those with the manifest's name
};

/// All of them, by name, the newest version first. Broken ones are among them: see `Manifest::problem`.
std::vector<Installed> installed_backends(const Places& places);

/// The one that `id` means: of that version, or the newest that works; of two alike what the user has brought.
/// @return null when there is none
const Installed* find_installed(const std::vector<Installed>& all, const BackendId& id);

/// @throws Error  backend_not_found, with what there is
const Installed& require_installed(const std::vector<Installed>& all, const BackendId& id);

/// Makes the service take this one of those with its manifest's name, from its next start on.
/// @throws Error  backend_failed: it does not work; store_failed
void use(const Places& places, const Installed& chosen);

/// Removes what `hearth backend install` brought; a choice of it ends, and what would be taken without one is.
/// @throws Error  invalid_argument: it was not brought by that; store_failed
void remove(const Places& places, const Installed& gone);

} // namespace hearth::cli::backend
