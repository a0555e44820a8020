#include "cli/doctor/checks.hpp"

#include <fmt/format.h>

namespace hearth::cli::doctor {

using protocol::FindingStatus;

namespace {

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

bool has_screen(const System& system) {
    return system.variable("WAYLAND_DISPLAY") || system.variable("DISPLAY");
}

/// Whether the session bus knows a name; absent when there is no way to ask.
std::optional<bool> bus_has(const System& system, const std::string& name) {
    const auto answer =
        system.ask({"busctl", "--user", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus",
                    "org.freedesktop.DBus", "NameHasOwner", "s", name});
    if (answer && answer->exit_code == 0) {
        return first_line(answer->out) == "b true";
    }
    const auto other =
        system.ask({"dbus-send", "--session", "--print-reply=literal", "--dest=org.freedesktop.DBus",
                    "/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner", "string:" + name});
    if (other && other->exit_code == 0) {
        return other->out.find("true") != std::string::npos;
    }
    return std::nullopt;
}

/// What `systemctl --user` says in one word; empty where no user manager answers.
std::string unit_state(const System& system, const char* question, const char* unit) {
    const auto answer = system.ask({"systemctl", "--user", question, unit});
    return answer ? first_line(answer->out) : "";
}

bool has_user_manager(const System& system) {
    const auto answer = system.ask({"systemctl", "--user", "show", "--property=Version"});
    return answer && answer->exit_code == 0;
}

} // namespace

Finding check_tray_host(const System& system) {
    if (!has_screen(system)) {
        return {"tray", FindingStatus::ok, "no desktop in this session, so no tray", {}};
    }
    const auto present = bus_has(system, "org.kde.StatusNotifierWatcher");
    if (!present) {
        return {"tray", FindingStatus::warn, "the session bus does not answer, so there can be no tray icon",
                "sudo apt install dbus-user-session   (then log in again)"};
    }
    if (*present) {
        return {"tray", FindingStatus::ok, "this desktop shows tray icons", {}};
    }
    const std::string desktop = system.variable("XDG_CURRENT_DESKTOP").value_or("");
    if (desktop.find("GNOME") != std::string::npos) {
        return {"tray", FindingStatus::warn, "GNOME shows tray icons only with an extension",
                "sudo apt install gnome-shell-extension-appindicator   (then log in again, and: "
                "gnome-extensions enable "
                "ubuntu-appindicators@ubuntu.com)"};
    }
    return {
        "tray", FindingStatus::warn, "nothing on this desktop shows tray icons",
        "add the tray (\"status notifier\") to your panel; bars of the older kind need: snixembed --fork"};
}

Finding check_user_service(const System& system) {
    if (!has_user_manager(system)) {
        return {"user_service",
                FindingStatus::ok,
                "no service manager of the user answers: hearth starts the service when it is needed",
                {}};
    }
    if (unit_state(system, "is-failed", "hearthd.service") == "failed") {
        return {"user_service", FindingStatus::fail, "hearthd.service has failed",
                "systemctl --user reset-failed hearthd.service; hearth service restart; hearth service logs"};
    }
    const std::string state = unit_state(system, "is-enabled", "hearthd.socket");
    if (state == "masked") {
        return {"user_service", FindingStatus::warn, "hearthd.socket is masked: nothing starts it for apps",
                "hearth service enable"};
    }
    if (state != "enabled" && state != "enabled-runtime") {
        return {"user_service", FindingStatus::warn,
                "not enabled: apps that connect before you use hearth find nobody", "hearth service enable"};
    }
    if (unit_state(system, "is-active", "hearthd.socket") != "active") {
        return {"user_service", FindingStatus::warn, "hearthd.socket is enabled and does not listen",
                "systemctl --user start hearthd.socket"};
    }
    return {"user_service", FindingStatus::ok, "hearthd.socket is enabled and listens", {}};
}

Finding check_lingering(const System& system) {
    if (!has_user_manager(system)) {
        return {"lingering", FindingStatus::ok, "no service manager of the user answers", {}};
    }
    if (system.look("/var/lib/systemd/linger/" + system.user_name())) {
        return {"lingering", FindingStatus::ok, "the service starts at boot and lives on after logout", {}};
    }
    const bool enabled = unit_state(system, "is-enabled", "hearthd.socket") == "enabled";
    if (enabled && !has_screen(system)) {
        return {"lingering", FindingStatus::warn, "the service ends when you log out",
                "hearth service enable --at-boot"};
    }
    return {"lingering", FindingStatus::ok, "the service ends when you log out", {}};
}

} // namespace hearth::cli::doctor
