#pragma once

#include "base/json.hpp"
#include "tray/model/state.hpp"

namespace hearth::tray {

/// What the tray would show, for `hearth-tray --once --json`: "version" 1, the service, models, pulls, icon,
/// tooltip and the whole menu.
Json shown_json(const State& state);

/// The same as lines of text, the menu indented.
std::string shown_text(const State& state);

} // namespace hearth::tray
