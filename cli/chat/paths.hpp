#pragma once

#include <filesystem>
#include <string_view>

namespace hearth::cli {

/// A path as a person types it, where no shell reads it: `~/` is the home folder.
std::filesystem::path from_home(std::string_view typed);

/// The file that a person means: as from_home; quotes around a path that a file manager dropped into the terminal are left out.
std::filesystem::path typed_path(std::string_view typed);

} // namespace hearth::cli
