#include "cli/backend/manifest.hpp"

#include "base/atomic_file.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "cli/backend/backend_id.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <system_error>

#include <sys/stat.h>
#include <unistd.h>

namespace hearth::cli::backend {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t most_bytes = 64u << 10;
constexpr int manifest_format = 1;

std::vector<std::string> words(const Json& json, const char* key) {
    std::vector<std::string> found;
    const auto list = json.find(key);
    if (list != json.end() && list->is_array()) {
        for (const Json& word : *list) {
            if (word.is_string()) {
                found.push_back(word.get<std::string>());
            }
        }
    }
    return found;
}

bool is_beside(const std::string& name) {
    return !name.empty() && name.find('/') == std::string::npos && !name.starts_with('.');
}

bool is_list_of_names(const Json& json, const char* key) {
    const auto list = json.find(key);
    return list != json.end() && list->is_array() && std::ranges::all_of(*list, [](const Json& word) {
               return word.is_string() && is_backend_name(word.get_ref<const std::string&>());
           });
}

/// Empty: none.
std::string problem_of_text(const Manifest& manifest, const Json& json) {
    const auto abi = get_integer(json, "abi").value_or(0);
    if (get_integer(json, "manifest") != manifest_format) {
        return fmt::format("\"manifest\" must be {}", manifest_format);
    }
    if (!is_backend_name(manifest.name) || manifest.file.filename() != "backend-" + manifest.name + ".json") {
        return "the file's name is not backend-<name>.json";
    }
    if (abi != abi_version) {
        return fmt::format("it speaks plugin ABI {}, this Hearth speaks {}", abi, abi_version);
    }
    for (const char* key : {"operations", "formats"}) {
        if (!is_list_of_names(json, key)) {
            return fmt::format("\"{}\" must be a list of words", key);
        }
    }
    return Digest::try_parse("sha256:" + require_string(json, "sha256"))
               ? ""
               : "\"sha256\" must be 64 lower-case hex digits";
}

/// Whoever can write a plugin can run code as us. Empty: only we can.
std::string why_not_ours_alone(const fs::path& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
        return path.string() + " cannot be read";
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return fmt::format("others may write {0}: chmod go-w {0}", path.string());
    }
    const bool ours = status.st_uid == ::geteuid() || status.st_uid == 0;
    return ours ? "" : path.string() + " belongs to another user";
}

/// Empty: none.
std::string problem_of_files(const Manifest& manifest) {
    std::error_code failed;
    if (manifest.library.empty() || !fs::is_regular_file(manifest.library, failed)) {
        return "its library is not there";
    }
    if (fs::canonical(manifest.library, failed).parent_path() !=
        fs::canonical(manifest.file.parent_path(), failed)) {
        return "its library lies in another folder";
    }
    const std::string why = why_not_ours_alone(manifest.file);
    return why.empty() ? why_not_ours_alone(manifest.library) : why;
}

void read_into(Manifest& manifest, const Json& json) {
    manifest.name = require_string(json, "name");
    manifest.version = require_string(json, "version");
    manifest.description = get_string(json, "description").value_or("");
    manifest.operations = words(json, "operations");
    manifest.formats = words(json, "formats");
    manifest.devices = words(json, "devices");
    const std::string library = require_string(json, "library");
    if (is_beside(library)) {
        manifest.library = manifest.file.parent_path() / library;
    }
    manifest.problem = problem_of_text(manifest, json);
    if (manifest.problem.empty()) {
        manifest.problem = problem_of_files(manifest);
    }
}

} // namespace

Manifest read_manifest(const fs::path& file) {
    Manifest manifest;
    manifest.file = file;
    try {
        const Json json = parse_json(read_file(file, most_bytes), "the manifest");
        if (!json.is_object()) {
            throw Error(ErrorCode::backend_failed, "the manifest is no object");
        }
        read_into(manifest, json);
    } catch (const Error& error) {
        manifest.problem = error.what();
    }
    return manifest;
}

} // namespace hearth::cli::backend
