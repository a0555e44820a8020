#include "cli/backend/package.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "cli/backend/manifest.hpp"
#include "cli/backend/plain_path.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>

#include <sys/utsname.h>

namespace hearth::cli::backend {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t most_bytes = 256u << 10;
constexpr std::size_t longest_npm_name = 214;
constexpr const char* format_hint = "docs/PLUGINS.md says how a package of a backend looks";

Error wrong(const std::string& why) {
    return Error(ErrorCode::backend_failed, "package.json: " + why, format_hint);
}

Package from_json(const Json& json) {
    const auto hearth = json.find("hearth");
    if (hearth == json.end() || !hearth->is_object()) {
        throw wrong("it has no \"hearth\": this is no package of a backend");
    }
    Package package;
    package.npm_name = require_string(json, "name");
    package.id = {require_string(*hearth, "backend"), require_string(json, "version")};
    package.platform = require_string(*hearth, "platform");
    package.abi = static_cast<int>(get_integer(*hearth, "abi").value_or(0));
    if (!is_backend_name(package.id.name)) {
        throw wrong("\"backend\" must be lower-case letters, digits, - and _");
    }
    if (!is_version(package.id.version)) {
        throw wrong("\"version\" is none");
    }
    for (const std::string& part : plain_path(require_string(*hearth, "plugin"))) {
        package.plugin /= part;
    }
    return package;
}

bool is_npm_word(std::string_view text) {
    auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    };
    return !text.empty() && !text.starts_with('.') && !text.starts_with('-') &&
           std::ranges::all_of(text, allowed);
}

} // namespace

std::string own_platform() {
    utsname system{};
    ::uname(&system);
    std::string name = system.sysname;
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::string_view machine = system.machine;
    const std::string_view processor = machine == "x86_64" ? "x64" : machine == "aarch64" ? "arm64" : machine;
    return fmt::format("{}-{}", name, processor);
}

Package read_package(const fs::path& folder) {
    std::error_code failed;
    const fs::path file = folder / "package.json";
    if (!fs::is_regular_file(file, failed)) {
        throw Error(ErrorCode::backend_failed,
                    "there is no package.json: this is no package as npm packs them", format_hint);
    }
    try {
        const Json json = parse_json(read_file(file, most_bytes), "package.json");
        if (!json.is_object()) {
            throw wrong("it is no object");
        }
        return from_json(json);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::backend_failed) {
            throw;
        }
        throw wrong(error.what());
    }
}

void require_fit(const Package& package) {
    if (package.platform != own_platform()) {
        throw Error(ErrorCode::backend_failed,
                    fmt::format("{} is for {}, this machine is {}", package.id.text(), package.platform,
                                own_platform()));
    }
    if (package.abi != abi_version) {
        throw Error(ErrorCode::backend_failed,
                    fmt::format("{} speaks plugin ABI {}, this Hearth speaks {}", package.id.text(),
                                package.abi, abi_version),
                    fmt::format("hearth backend install {}@VERSION takes another version", package.id.name));
    }
}

std::string npm_name_of(const std::string& scope, const std::string& backend) {
    return fmt::format("{}/hearth-backend-{}-{}", scope, backend, own_platform());
}

bool is_npm_scope(std::string_view text) noexcept {
    return text.starts_with('@') && text.size() < longest_npm_name && is_npm_word(text.substr(1));
}

bool is_npm_name(std::string_view text) noexcept {
    const std::size_t slash = text.find('/');
    return slash != std::string_view::npos && text.size() <= longest_npm_name &&
           is_npm_scope(text.substr(0, slash)) && is_npm_word(text.substr(slash + 1));
}

} // namespace hearth::cli::backend
