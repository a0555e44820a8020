#pragma once

#include <span>
#include <string>

namespace hearth::daemon {

/// What the command line asks for.
struct Arguments {
    enum class Action { serve, help, version } action = Action::serve;
};

/// @throws Error usage, naming the option
Arguments parse_arguments(std::span<char* const> arguments);

extern const std::string_view help_text;

} // namespace hearth::daemon
