#include "daemon/arguments.hpp"

#include "base/error.hpp"

#include <string_view>

namespace hearth::daemon {

const std::string_view help_text = R"(Usage: hearthd [--help] [--version]

Hearth's background service: keeps models, runs them, answers on Unix sockets.
It stays in the foreground, logs to stderr and stops on SIGTERM. `hearth` starts it when none answers.

Places (the variable wins over what stands before it)
  data       ~/.local/share/hearth            HEARTH_DATA
  sockets    $XDG_RUNTIME_DIR/hearth          HEARTH_RUNTIME   api.sock, infer.sock
  settings   ~/.config/hearth/config.toml     HEARTH_CONFIG
  log level  info                             HEARTH_LOG       debug, info, warning, error

Exit codes: 0 stopped, 1 failed, 2 wrong usage or configuration, 75 another one owns the socket or the data.
)";

Arguments parse_arguments(std::span<char* const> arguments) {
    Arguments parsed;
    for (const std::string_view argument : arguments) {
        if (argument == "--help" || argument == "-h") {
            parsed.action = Arguments::Action::help;
        } else if (argument == "--version" || argument == "-V") {
            parsed.action = Arguments::Action::version;
        } else if (argument == "--listen" || argument.starts_with("--listen=")) {
            throw Error(ErrorCode::usage, "--listen: this version does not serve TCP",
                        "use the Unix sockets; `curl --unix-socket` and HEARTH_SOCKET reach them");
        } else {
            throw Error(ErrorCode::usage, "unknown argument " + std::string(argument),
                        "hearthd --help lists what there is");
        }
    }
    return parsed;
}

} // namespace hearth::daemon
