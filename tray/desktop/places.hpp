#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hearth::tray {

/// $XDG_CONFIG_HOME, else ~/.config. @throws Error store_failed without a home
std::filesystem::path config_folder();
/// $XDG_CONFIG_DIRS, else /etc/xdg.
std::vector<std::filesystem::path> system_config_folders();
/// The file of the program that runs.
std::filesystem::path this_program();
/// The icon theme folder that came with this program; empty when there is none.
std::filesystem::path icon_themes();
/// An icon for a notification: a file, where ours are installed, else nothing.
std::string notification_icon();

} // namespace hearth::tray
