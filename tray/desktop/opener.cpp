#include "tray/desktop/opener.hpp"

#include "base/error.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

namespace hearth::tray {
namespace {

/// What programs need to find the desktop, beside what every child of ours gets.
constexpr std::array desktop_variables{"DISPLAY",
                                       "WAYLAND_DISPLAY",
                                       "XAUTHORITY",
                                       "DBUS_SESSION_BUS_ADDRESS",
                                       "DESKTOP_SESSION",
                                       "KDE_FULL_SESSION",
                                       "KDE_SESSION_VERSION",
                                       "BROWSER",
                                       "GNOME_DESKTOP_SESSION_ID",
                                       "USER",
                                       "LOGNAME",
                                       "SHELL"};

std::filesystem::path find_program(std::string_view name) {
    const char* path = std::getenv("PATH"); // NOLINT(concurrency-mt-unsafe)
    for (std::string_view rest = path != nullptr ? path : "/usr/bin:/bin"; !rest.empty();) {
        const auto end = std::min(rest.find(':'), rest.size());
        const std::filesystem::path candidate = std::filesystem::path(rest.substr(0, end)) / name;
        std::error_code ignored;
        if (candidate.is_absolute() && std::filesystem::exists(candidate, ignored)) {
            return candidate;
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    throw Error(ErrorCode::backend_failed, "there is no " + std::string(name) + " on this desktop",
                "install xdg-utils");
}

std::vector<std::string> desktop_environment(const std::string& activation_token) {
    std::vector<std::string> environment;
    for (const char* name : desktop_variables) {
        if (const char* value = std::getenv(name)) { // NOLINT(concurrency-mt-unsafe)
            environment.push_back(std::string(name) + "=" + value);
        }
    }
    if (!activation_token.empty()) {
        environment.push_back("XDG_ACTIVATION_TOKEN=" + activation_token);
    }
    return environment;
}

} // namespace

Opener::~Opener() {
    for (process::Child& child : started_) {
        child.release();
    }
}

void Opener::open(const std::string& target, const std::string& activation_token) {
    std::erase_if(started_, [](process::Child& child) { return child.try_reap(); });
    process::SpawnRequest request;
    request.program = find_program("xdg-open");
    request.arguments = {target};
    request.environment = desktop_environment(activation_token);
    started_.push_back(process::spawn(request));
}

} // namespace hearth::tray
