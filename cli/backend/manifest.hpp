#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hearth::cli::backend {

/// The plugin ABI that this Hearth speaks: HEARTH_ABI_VERSION, which this room does not include.
constexpr int abi_version = 1;

/// What `backend-<name>.json` says, for lists and for what is about to be installed. The service judges by itself
/// (`runtime/runner/plugin_manifest.hpp`); this reader only has to be no kinder.
struct Manifest {
    std::filesystem::path file;
    std::filesystem::path library; ///< beside it; empty when the manifest names none that can be
    std::string name;
    std::string version;
    std::string description;
    std::vector<std::string> operations;
    std::vector<std::string> formats;
    std::vector<std::string>
        devices;         ///< kinds of device that it can use, as far as it says; optional in the file
    std::string problem; ///< why the service would leave it out; empty: nothing that is seen from here
};

/// Never throws for what is in the file: see `problem`.
Manifest read_manifest(const std::filesystem::path& file);

} // namespace hearth::cli::backend
