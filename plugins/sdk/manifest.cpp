#include "plugins/sdk/manifest.hpp"

#include "plugins/abi/hearth_backend.h"
#include "plugins/sdk/files.hpp"
#include "plugins/sdk/report.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

#include <sys/stat.h>

namespace hearth::sdk {

namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

std::string text(const Json& json, const char* key) {
    require(json.contains(key) && json[key].is_string(), std::string("\"") + key + "\" must be a text");
    return json[key].get<std::string>();
}

std::vector<std::string> words(const Json& json, const char* key) {
    require(json.contains(key) && json[key].is_array(),
            std::string("\"") + key + "\" must be a list of words");
    std::vector<std::string> result;
    for (const Json& word : json[key]) {
        require(word.is_string(), std::string("\"") + key + "\" must be a list of words");
        result.push_back(word.get<std::string>());
    }
    return result;
}

bool is_plain_name(const std::string& name) {
    return !name.empty() && name.size() <= 64 &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
}

Json parse(const fs::path& file) {
    const Json json = Json::parse(read_whole(file), nullptr, false);
    require(json.is_object(), file.string() + " is not a JSON object");
    return json;
}

void require_private(const fs::path& path) {
    struct stat status{};
    require(::stat(path.c_str(), &status) == 0 && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0,
            "others may write " + path.string() + " (chmod go-w)");
}

} // namespace

bool Manifest::has_operation(const std::string& operation) const {
    return std::ranges::find(operations, operation) != operations.end();
}

Manifest find_manifest(const fs::path& library) {
    std::vector<fs::path> found;
    for (const fs::directory_entry& entry : fs::directory_iterator(library.parent_path())) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with("backend-") && name.ends_with(".json") &&
            parse(entry.path()).value("library", Json()) == library.filename().string()) {
            found.push_back(entry.path());
        }
    }
    require(found.size() == 1,
            std::to_string(found.size()) + " files backend-<name>.json beside the library name it, one must");
    const Json json = parse(found[0]);
    Manifest manifest;
    manifest.name = text(json, "name");
    manifest.sha256 = text(json, "sha256");
    manifest.operations = words(json, "operations");
    manifest.formats = words(json, "formats");
    text(json, "version");
    require(json.value("manifest", Json()) == 1, "\"manifest\" must be 1");
    require(json.value("abi", Json()) == HEARTH_ABI_VERSION,
            "\"abi\" must be " + std::to_string(HEARTH_ABI_VERSION));
    require(is_plain_name(manifest.name), "\"name\" must be lower-case letters, digits, - and _");
    require(found[0].filename() == "backend-" + manifest.name + ".json",
            "the file must be called backend-" + manifest.name + ".json");
    require(!manifest.operations.empty(), "\"operations\" is empty");
    require_private(found[0]);
    require_private(library);
    return manifest;
}

} // namespace hearth::sdk
