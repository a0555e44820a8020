#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::cli::backend {

/// The parts of a relative path that came from outside.
/// @throws Error  backend_failed, naming it: empty, absolute, longer than 512 bytes or 16 parts, with "." or ".." or an empty
/// part, or with anything but printable ASCII without the backslash
std::vector<std::string> plain_path(std::string_view path);

} // namespace hearth::cli::backend
