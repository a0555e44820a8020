#pragma once

#include <span>
#include <string>
#include <vector>

namespace hearth {
struct ServerConfig;
} // namespace hearth

namespace hearth::daemon {

/// What the command line asks for.
struct Arguments {
    enum class Action { serve, help, version } action = Action::serve;
    std::vector<std::string> listen; ///< addresses; any replaces those of the configuration
    bool compat_no_token = false;
    bool insecure_lan = false;
    bool leave_when_idle = false;
    std::string tls_cert; ///< files; each replaces that of the configuration
    std::string tls_key;

    /// Puts what the command line says over what the configuration says.
    void apply_to(ServerConfig& server) const;
};

/// @throws Error usage, naming the option
Arguments parse_arguments(std::span<char* const> arguments);

extern const std::string_view help_text;

} // namespace hearth::daemon
