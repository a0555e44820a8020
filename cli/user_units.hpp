#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// The user's unit files where no package brought them: an installation in a home folder.
namespace hearth::cli {

/// $XDG_DATA_HOME/systemd/user, which systemd searches; never ~/.config/systemd/user, which is the user's own.
std::filesystem::path user_unit_dir();
/// Writes hearthd.socket and hearthd.service for this `hearthd` and the `hearth` beside it, where they are not so already.
/// @return  the files that were written
/// @throws Error  store_failed, disk_full
std::vector<std::filesystem::path> write_user_units(const std::filesystem::path& hearthd);
/// Removes what `write_user_units` wrote. @return the files that were removed
std::vector<std::filesystem::path> remove_user_units();

} // namespace hearth::cli
