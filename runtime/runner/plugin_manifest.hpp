#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::runtime {

/// `backend-<name>.json` beside a plugin: lets the core know a backend without loading it.
/// {"manifest":1,"name":"echo","abi":1,"version":"1.0","library":"hearth-echo.so","sha256":"<64 hex>",
///  "operations":["chat","complete","embed","tokenize","template","count"],"formats":["gguf"],"description":"…"}
/// `formats` empty: the backend needs no model files.
struct PluginManifest {
    std::string name;
    int abi = 0;
    std::string version;
    std::filesystem::path library; ///< absolute
    std::string sha256;
    std::vector<std::string> operations;
    std::vector<std::string> formats;
    std::string description;
    /// Not of the file: of the variants of its engine, so many of the best are not to be used on this machine.
    int passed_over = 0;

    bool needs_model() const noexcept { return !formats.empty(); }
    bool has_operation(std::string_view operation) const noexcept;
    /// @throws Error  backend_failed: unreadable, wrong shape, library outside the manifest's folder, group-
    /// or world-writable
    static PluginManifest read(const std::filesystem::path& file);
};

/// A manifest that was left out.
struct PluginProblem {
    std::filesystem::path file;
    std::string why;  ///< with the file's name
    std::string hint; ///< may be empty
};

struct PluginScan {
    std::vector<PluginManifest> plugins;
    std::vector<PluginProblem> problems;
};

/// As `find_plugins`, telling what it left out. Blocking.
PluginScan scan_plugins(const std::vector<std::filesystem::path>& dirs);

/// Every manifest in `<dir>/backend-*.json` and `<dir>/*/backend-*.json` of the given folders, first name
/// wins; broken ones are logged and skipped. Blocking.
std::vector<PluginManifest> find_plugins(const std::vector<std::filesystem::path>& dirs);

} // namespace hearth::runtime
