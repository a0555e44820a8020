#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hearth::tray {

/// Starting at login, as the XDG autostart specification has it: a desktop file in the user's folder, which goes before
/// the system's of the same name. Not a systemd unit: some desktops never reach the target of graphical sessions.
class Autostart {
  public:
    static constexpr const char* file_name = "hearth-tray.desktop";

    /// @param user    ~/.config/autostart
    /// @param system  /etc/xdg/autostart and others, the first goes before the next
    Autostart(std::filesystem::path user, std::vector<std::filesystem::path> system,
              std::filesystem::path program);
    /// By XDG_CONFIG_HOME, XDG_CONFIG_DIRS and the program that runs. @throws Error store_failed without a home
    static Autostart of_this_user();

    bool is_on() const;
    /// @throws Error store_failed, disk_full
    void turn_on() const;
    /// @throws Error store_failed, disk_full
    void turn_off() const;

  private:
    bool system_is_on() const;

    std::filesystem::path user_;
    std::vector<std::filesystem::path> system_;
    std::filesystem::path program_;
};

/// A program's path as the Exec key of a desktop file takes it.
std::string quoted_exec(const std::string& path);

} // namespace hearth::tray
