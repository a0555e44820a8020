#pragma once

#include "tray/model/state.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace hearth::tray {

/// Which picture the tray shows.
enum class IconKind {
    idle,      ///< the service runs, nothing is loaded
    active,    ///< a model answers
    busy,      ///< something is downloaded or loaded
    stopped,   ///< no service, or an unknown one
    asleep,    ///< the service starts on use
    attention, ///< memory is low
};

/// "hearth-tray-idle", …: the name in an icon theme.
std::string_view icon_name(IconKind kind) noexcept;

/// How the tray looks, apart from its menu.
struct Appearance {
    IconKind icon = IconKind::stopped;
    std::optional<int>
        progress_twentieths; ///< of all downloads together: redrawing costs the panel a round trip
    std::string title;       ///< one line
    std::string details;     ///< further lines; may be empty

    friend bool operator==(const Appearance&, const Appearance&) = default;
};

/// Pure.
Appearance appearance_of(const State& state);

} // namespace hearth::tray
