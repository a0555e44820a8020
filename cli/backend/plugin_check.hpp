#pragma once

#include "cli/backend/manifest.hpp"

#include <filesystem>
#include <string>

namespace hearth::cli {
class Interrupt;
}

namespace hearth::cli::backend {

/// Judges the one plugin in a folder by `hearth-plugin-check --no-load`: manifest, checksum, what the library exports. No
/// code of the plugin runs: only a confined runner may do that.
/// @return its manifest
/// @throws Error  backend_failed: what is wrong, as the check says it; unsupported: there is no hearth-plugin-check;
/// cancelled: interrupted meanwhile
Manifest check_plugin(const std::filesystem::path& folder, const Interrupt& interrupt);

/// Of the JSON lines that the check prints: "name: why" of the first that failed; empty when none did.
std::string first_failure(const std::string& lines);

} // namespace hearth::cli::backend
