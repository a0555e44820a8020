#include "cli/backend/plugin_check.hpp"

#include "base/error.hpp"
#include "base/paths.hpp"
#include "base/plugin_folder.hpp"
#include "cli/interrupt.hpp"
#include "process/program.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sstream>
#include <vector>

namespace hearth::cli::backend {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::minutes limit(2); // it reads and hashes the whole library
constexpr const char* hint = "nothing was installed; tell who made the package";

Error refused(const std::string& why) {
    return Error(ErrorCode::backend_failed, "the plugin is not one that Hearth would run: " + why, hint);
}

std::string text_of(const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

} // namespace

std::string first_failure(const std::string& lines) {
    std::istringstream stream(lines);
    for (std::string line; std::getline(stream, line);) {
        const auto check = nlohmann::json::parse(line, nullptr, false);
        if (check.is_object() && text_of(check, "result") == "fail") {
            return fmt::format("{}: {}", text_of(check, "check"), text_of(check, "why"));
        }
    }
    return {};
}

Manifest check_plugin(const fs::path& folder, const Interrupt& interrupt) {
    const std::vector<fs::path> manifests = plugin_manifests_in(folder);
    if (manifests.size() != 1) {
        throw refused(
            fmt::format("its folder has {} files backend-<name>.json, it must have one", manifests.size()));
    }
    Manifest manifest = read_manifest(manifests.front());
    if (!manifest.problem.empty()) {
        throw refused(manifest.problem);
    }
    const auto answer = process::ask_program({paths::sibling_program("hearth-plugin-check").string(),
                                              "--no-load", "--json", manifest.library.string()},
                                             limit, interrupt.fd());
    interrupt.check();
    if (!answer) {
        throw Error(ErrorCode::unsupported,
                    "hearth-plugin-check is not beside hearth, and it is what judges plugins",
                    "install Hearth again");
    }
    if (answer->exit_code != 0) {
        const std::string why = first_failure(answer->out);
        throw refused(why.empty() ? fmt::format("hearth-plugin-check ended with {}", answer->exit_code)
                                  : why);
    }
    return manifest;
}

} // namespace hearth::cli::backend
