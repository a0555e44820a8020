#pragma once

#include "tray/model/state.hpp"

#include <filesystem>

namespace hearth::tray {

/// The state that the tray would show now. A service that sleeps is let sleep. Downloads are known by their events
/// alone, so that there are none.
State look_once(const std::filesystem::path& socket);

} // namespace hearth::tray
