#include "tray/arguments.hpp"

#include "base/error.hpp"

#include <string>

namespace hearth::tray {

const std::string_view help_text =
    "hearth-tray: Hearth in the system tray: what is loaded, downloads, the state of the service\n"
    "\n"
    "Usage: hearth-tray [--once [--json]]\n"
    "\n"
    "  --once      print the menu that the tray would show, and leave; needs no desktop\n"
    "  --json      with --once: the whole state as JSON\n"
    "  --version   print the version\n"
    "  --help      print this\n"
    "\n"
    "It waits for a panel that shows icons (StatusNotifierItem) and follows the service by its events. It "
    "starts the\n"
    "service only when you choose so. GNOME needs the AppIndicator extension. The menu has \"Start at "
    "login\".\n"
    "\n"
    "Environment: HEARTH_SOCKET and HEARTH_RUNTIME say where the service is, "
    "HEARTH_LOG=debug|info|warning|error how\n"
    "much goes to stderr.\n"
    "\n"
    "Exit codes: 0 done, also when another tray of yours runs; 1 failed; 2 usage.\n";

Arguments parse_arguments(std::span<const char* const> words) {
    Arguments arguments;
    for (const std::string_view word : words) {
        if (word == "--once") {
            arguments.action = Arguments::Action::once;
        } else if (word == "--json") {
            arguments.json = true;
        } else if (word == "--help" || word == "-h") {
            arguments.action = Arguments::Action::help;
            return arguments;
        } else if (word == "--version") {
            arguments.action = Arguments::Action::version;
            return arguments;
        } else {
            throw Error(ErrorCode::invalid_argument, "unknown option " + std::string(word),
                        "see hearth-tray --help");
        }
    }
    if (arguments.json && arguments.action != Arguments::Action::once) {
        throw Error(ErrorCode::invalid_argument, "--json goes with --once", "see hearth-tray --help");
    }
    return arguments;
}

} // namespace hearth::tray
