#pragma once

#include <span>
#include <string_view>

namespace hearth::tray {

/// The command line, understood.
struct Arguments {
    enum class Action { show, once, help, version };

    Action action = Action::show;
    bool json = false; ///< of once
};

extern const std::string_view help_text;

/// @param words  without the program's name
/// @throws Error invalid_argument
Arguments parse_arguments(std::span<const char* const> words);

} // namespace hearth::tray
