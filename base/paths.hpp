#pragma once

#include <filesystem>
#include <vector>

/// Where Hearth keeps things (design section 4). Functions read the environment at each call and create
/// nothing, but for `ensure_*`.
namespace hearth::paths {

/// $HEARTH_DATA, else $XDG_DATA_HOME/hearth, else ~/.local/share/hearth.
std::filesystem::path data_dir();
/// $HEARTH_RUNTIME, else $XDG_RUNTIME_DIR/hearth, else ~/.local/state/hearth/run.
std::filesystem::path runtime_dir();
/// $HEARTH_SOCKET, else runtime_dir()/api.sock. What clients connect to.
std::filesystem::path api_socket();
/// runtime_dir()/infer.sock.
std::filesystem::path infer_socket();
/// ~/.local/state/hearth/hearthd.log.
std::filesystem::path log_file();
/// $XDG_STATE_HOME/hearth/history, else ~/.local/state/hearth/history: what was typed into `hearth run`.
std::filesystem::path history_file();
/// System file, then $HEARTH_CONFIG, else $XDG_CONFIG_HOME/hearth/config.toml, else
/// ~/.config/hearth/config.toml.
std::vector<std::filesystem::path> config_files();
/// <prefix>/lib/hearth/plugins of the running executable.
std::filesystem::path shipped_plugin_dir();
/// data_dir()/plugins. Beside plugins that somebody put there it holds `.versions` (a folder for each backend that was
/// installed, NAME@VERSION) and `.used` (links to those that were chosen, named by the plugin).
std::filesystem::path user_plugin_dir();
/// Where plugins are looked for; the first one of a name counts: what was chosen in user_plugin_dir(), then
/// shipped_plugin_dir(), then the rest of user_plugin_dir().
std::vector<std::filesystem::path> plugin_dirs();
/// Another program of Hearth: beside the running executable (tests, prefix/bin).
std::filesystem::path sibling_program(const char* name);

/// Creates the folder with mode 0700 (parents as needed) and checks owner, mode and that it is no symlink.
/// @throws Error  store_failed, with the path component that is wrong and how to fix it
void ensure_private_dir(const std::filesystem::path& path);

} // namespace hearth::paths
