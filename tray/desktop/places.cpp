#include "tray/desktop/places.hpp"

#include "base/error.hpp"

#include <cstdlib>
#include <string_view>

namespace hearth::tray {
namespace {

constexpr std::string_view scalable = "hicolor/scalable/apps";

/// An empty variable counts as absent, a relative path is to be ignored (XDG Base Directory Specification).
std::string absolute_variable(const char* name) {
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe)
    return value != nullptr && *value == '/' ? value : "";
}

} // namespace

std::filesystem::path config_folder() {
    if (const std::string own = absolute_variable("XDG_CONFIG_HOME"); !own.empty()) {
        return own;
    }
    const std::string home = absolute_variable("HOME");
    if (home.empty()) {
        throw Error(ErrorCode::store_failed, "there is no home folder", "set HOME");
    }
    return std::filesystem::path(home) / ".config";
}

std::vector<std::filesystem::path> system_config_folders() {
    const std::string list = absolute_variable("XDG_CONFIG_DIRS");
    std::vector<std::filesystem::path> folders;
    for (std::string_view rest = list; !rest.empty();) {
        const auto end = std::min(rest.find(':'), rest.size());
        if (end > 0) {
            folders.emplace_back(rest.substr(0, end));
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return folders.empty() ? std::vector<std::filesystem::path>{"/etc/xdg"} : folders;
}

std::filesystem::path this_program() {
    std::error_code ignored;
    return std::filesystem::read_symlink("/proc/self/exe", ignored);
}

std::filesystem::path icon_themes() {
    const std::filesystem::path themes = this_program().parent_path().parent_path() / "share/icons";
    std::error_code ignored;
    return std::filesystem::exists(themes / scalable / "hearth-tray-active.svg", ignored)
               ? themes
               : std::filesystem::path();
}

std::string notification_icon() {
    const std::filesystem::path themes = icon_themes();
    return themes.empty() ? "" : "file://" + (themes / scalable / "hearth-tray-active.svg").string();
}

} // namespace hearth::tray
