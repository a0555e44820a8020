#include "runtime/runner/plugin_manifest.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/plugin_folder.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <system_error>

#include <sys/stat.h>
#include <unistd.h>

namespace hearth::runtime {

namespace fs = std::filesystem;

namespace {

constexpr int manifest_format = 1;
constexpr int abi_version = 1; ///< HEARTH_ABI_VERSION; this room does not include the ABI
constexpr std::uint64_t max_manifest_bytes = 64u << 10;

Error broken(const fs::path& file, std::string_view why) {
    return Error(ErrorCode::backend_failed, fmt::format("plugin manifest {}: {}", file.string(), why));
}

bool is_name(std::string_view text) {
    auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    };
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, allowed);
}

bool is_sha256(std::string_view text) {
    auto allowed = [](char c) { return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9'); };
    return text.size() == 64 && std::ranges::all_of(text, allowed);
}

std::vector<std::string> words_of(const Json& object, const char* key, const fs::path& file) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_array()) {
        throw broken(file, fmt::format("\"{}\" must be a list of words", key));
    }
    std::vector<std::string> words;
    for (const Json& word : *found) {
        if (!word.is_string() || !is_name(word.get_ref<const std::string&>())) {
            throw broken(file, fmt::format("\"{}\" must be a list of words", key));
        }
        words.push_back(word.get<std::string>());
    }
    return words;
}

/// Whoever can write a plugin can run code as us.
void require_ours_alone(const fs::path& path, const fs::path& manifest) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
        throw broken(manifest, fmt::format("{} cannot be read", path.string()));
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        Error error = broken(manifest, fmt::format("others may write {}", path.string()));
        error.set_hint(fmt::format("chmod go-w {}", path.string()));
        throw Error(error);
    }
    if (status.st_uid != ::geteuid() && status.st_uid != 0) {
        throw broken(manifest, fmt::format("{} belongs to another user", path.string()));
    }
}

fs::path library_path(const fs::path& manifest, const std::string& library) {
    if (library.empty() || library.find('/') != std::string::npos || library.starts_with('.')) {
        throw broken(manifest, "\"library\" must be the name of a file beside the manifest");
    }
    std::error_code failed;
    const fs::path folder = fs::canonical(manifest.parent_path(), failed);
    if (failed) {
        throw broken(manifest, failed.message());
    }
    const fs::path path = fs::canonical(folder / library, failed);
    if (failed || !fs::is_regular_file(path, failed)) {
        throw broken(manifest, fmt::format("library {} is not there", library));
    }
    if (path.parent_path() != folder) {
        throw broken(manifest, fmt::format("library {} lies outside the manifest's folder", library));
    }
    return path;
}

PluginManifest from_json(const Json& json, const fs::path& file) {
    if (!json.is_object() || get_integer(json, "manifest") != manifest_format) {
        throw broken(file, fmt::format("\"manifest\" must be {}", manifest_format));
    }
    PluginManifest manifest;
    manifest.name = require_string(json, "name");
    manifest.abi = static_cast<int>(get_integer(json, "abi").value_or(0));
    manifest.version = require_string(json, "version");
    manifest.sha256 = require_string(json, "sha256");
    manifest.operations = words_of(json, "operations", file);
    manifest.formats = words_of(json, "formats", file);
    manifest.description = get_string(json, "description").value_or("");
    if (!is_name(manifest.name) || file.filename() != "backend-" + manifest.name + ".json") {
        throw broken(file,
                     "\"name\" must be lower-case letters and digits, and the file backend-<name>.json");
    }
    if (manifest.abi != abi_version) {
        Error error = broken(
            file, fmt::format("it speaks plugin ABI {}, this Hearth speaks {}", manifest.abi, abi_version));
        error.set_hint(fmt::format("rm -r {}   (and install the backend that belongs to this Hearth)",
                                   file.parent_path().string()));
        throw Error(error);
    }
    if (!is_sha256(manifest.sha256)) {
        throw broken(file, "\"sha256\" must be 64 lower-case hex digits");
    }
    manifest.library = library_path(file, require_string(json, "library"));
    return manifest;
}

} // namespace

bool PluginManifest::has_operation(std::string_view operation) const noexcept {
    return std::ranges::find(operations, operation) != operations.end();
}

PluginManifest PluginManifest::read(const fs::path& file) {
    try {
        require_ours_alone(file, file);
        PluginManifest manifest =
            from_json(parse_json(read_file(file, max_manifest_bytes), "the text"), file);
        require_ours_alone(manifest.library, file);
        return manifest;
    } catch (const Error& error) {
        if (error.code() == ErrorCode::backend_failed) {
            throw;
        }
        throw broken(file, error.what());
    }
}

PluginScan scan_plugins(const std::vector<fs::path>& dirs) {
    PluginScan scan;
    for (const fs::path& dir : dirs) {
        for (const fs::path& file : plugin_manifests_below(dir)) {
            try {
                PluginManifest manifest = PluginManifest::read(file);
                auto same = [&](const PluginManifest& other) { return other.name == manifest.name; };
                if (std::ranges::none_of(scan.plugins, same)) {
                    scan.plugins.push_back(std::move(manifest));
                }
            } catch (const Error& error) {
                scan.problems.push_back({file, error.what(), error.hint()});
            }
        }
    }
    return scan;
}

std::vector<PluginManifest> find_plugins(const std::vector<fs::path>& dirs) {
    PluginScan scan = scan_plugins(dirs);
    for (const PluginProblem& problem : scan.problems) {
        log::warning("runtime", problem.why);
    }
    return std::move(scan.plugins);
}

} // namespace hearth::runtime
