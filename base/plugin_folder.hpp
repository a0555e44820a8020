#pragma once

#include <filesystem>
#include <vector>

namespace hearth {

/// The manifests of backends (`backend-*.json`) in a folder itself, sorted. A folder that is not there has none. Blocking.
std::vector<std::filesystem::path> plugin_manifests_in(const std::filesystem::path& folder);

/// Where the service looks in one of `paths::plugin_dirs()`: the folder and those in it, entry by entry in sorted order (the order of a
/// folder is the disk's, ours must not be). Blocking.
std::vector<std::filesystem::path> plugin_manifests_below(const std::filesystem::path& folder);

} // namespace hearth
