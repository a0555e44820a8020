#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hearth::sdk {

/// What the kit needs of `backend-<name>.json`.
struct Manifest {
    std::string name;
    std::string sha256;
    std::vector<std::string> operations;
    std::vector<std::string> formats;
    bool has_operation(const std::string& operation) const;
};

/// The manifest beside `library` that names it. @throws Violation: none, several, or one that the core would
/// refuse
Manifest find_manifest(const std::filesystem::path& library);

} // namespace hearth::sdk
