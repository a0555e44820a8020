#pragma once

#include "tray/desktop/autostart.hpp"
#include "tray/model/state.hpp"

#include <filesystem>

namespace hearth::tray {

/// Looks at this machine for what the menu depends on.
LocalFacts look_at_this_machine(const Autostart& autostart, const std::filesystem::path& socket);

} // namespace hearth::tray
