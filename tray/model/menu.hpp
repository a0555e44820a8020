#pragma once

#include "tray/model/state.hpp"

#include <optional>
#include <string>
#include <vector>

namespace hearth::tray {

/// What choosing an item does.
struct Action {
    enum class Verb {
        load,           ///< `model`
        unload,         ///< `model`
        choose_default, ///< `model`, for `app` ("" is all apps)
        clear_default,  ///< of `app`
        start_service,
        wake_service,
        open_page,
        open_log,
        toggle_autostart,
        quit,
    };

    Verb verb = Verb::quit;
    std::string model{};
    std::string app{};

    friend bool operator==(const Action&, const Action&) = default;
};

/// One line of the menu, or a submenu, or a separator. Knows nothing of how it is shown: labels are plain text.
struct MenuItem {
    enum class Toggle { none, check, radio };

    std::string key;     ///< names the item for as long as it means the same; unique in a menu
    std::string label;   ///< empty: a separator
    bool enabled = true; ///< false: a line to read
    Toggle toggle = Toggle::none;
    bool on = false; ///< of a toggle
    std::optional<Action> action;
    std::vector<MenuItem> children;

    bool is_separator() const noexcept { return label.empty(); }
    friend bool operator==(const MenuItem&, const MenuItem&) = default;
};

/// The menu for a state: pure. What the service does not serve is absent.
std::vector<MenuItem> build_menu(const State& state);

/// One line on the service and what is loaded: the menu's first line and the tooltip.
std::string headline(const State& state);

} // namespace hearth::tray
