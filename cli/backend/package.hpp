#pragma once

#include "cli/backend/backend_id.hpp"

#include <filesystem>
#include <string>

namespace hearth::cli::backend {

/// "linux-x64": the system and the processor as Node names them.
std::string own_platform();

/// What the `package.json` of a backend's package says (docs/PLUGINS.md has the format).
struct Package {
    std::string npm_name;         ///< "@example/hearth-backend-cuda-linux-x64"
    BackendId id;                 ///< "cuda", and the package's version
    std::filesystem::path plugin; ///< folder with library and manifest, relative to the package's
    std::string platform;
    int abi = 0;
};

/// @param folder  of an unpacked package
/// @throws Error  backend_failed: no package of a backend, or a value that cannot be
Package read_package(const std::filesystem::path& folder);

/// @throws Error  backend_failed: it is for another system or another plugin ABI
void require_fit(const Package& package);

/// "@scope/hearth-backend-cuda-linux-x64". @param scope  with its "@"
std::string npm_name_of(const std::string& scope, const std::string& backend);

/// Whether a text is a full name at npm: "@scope/name", in the letters that npm takes.
bool is_npm_name(std::string_view text) noexcept;
/// Whether it is the scope of one: "@example".
bool is_npm_scope(std::string_view text) noexcept;

} // namespace hearth::cli::backend
