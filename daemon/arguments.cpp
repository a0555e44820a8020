#include "daemon/arguments.hpp"

#include "base/config.hpp"
#include "base/error.hpp"
#include "daemon/http/endpoint.hpp"

#include <string_view>

namespace hearth::daemon {

const std::string_view help_text =
    R"(Usage: hearthd [--listen ADDRESS]... [--compat-no-token] [--insecure-lan] [--help] [--version]

Hearth's background service: keeps models, runs them, answers on Unix sockets.
It stays in the foreground, logs to stderr and stops on SIGTERM. `hearth` starts it when none answers.

The TCP door, off unless asked for (settings: server.listen, server.hosts, server.origins)
  --listen 127.0.0.1:11434   also serve apps that speak TCP; may be repeated; [::1]:11434 is IPv6.
                             Apps send a token: hearth token create NAME
  --compat-no-token          clients of Ollama's API send none: inference and listing without one, on
                             loopback addresses
  --insecure-lan             allow an address beyond this machine, where others can read what is said

Places (the variable wins over what stands before it)
  data       ~/.local/share/hearth            HEARTH_DATA
  sockets    $XDG_RUNTIME_DIR/hearth          HEARTH_RUNTIME   api.sock, infer.sock
  settings   ~/.config/hearth/config.toml     HEARTH_CONFIG
  log level  info                             HEARTH_LOG       debug, info, warning, error

Exit codes: 0 stopped, 1 failed, 2 wrong usage or configuration, 6 not allowed, 75 another one owns the socket or the data.
)";

namespace {

[[noreturn]] void refuse_unknown(std::string_view argument) {
    throw Error(ErrorCode::usage, "unknown argument " + std::string(argument),
                "hearthd --help lists what there is");
}

/// @throws Error usage
std::string checked_address(std::string_view text) {
    try {
        http::parse_endpoint(text);
    } catch (const Error& error) {
        throw Error(ErrorCode::usage, std::string("--listen: ") + error.what(), error.hint());
    }
    return std::string(text);
}

} // namespace

void Arguments::apply_to(ServerConfig& server) const {
    if (!listen.empty()) {
        server.listen = listen;
    }
    server.compat_no_token = server.compat_no_token || compat_no_token;
    server.insecure_lan = server.insecure_lan || insecure_lan;
}

Arguments parse_arguments(std::span<char* const> arguments) {
    constexpr std::string_view listen_value = "--listen=";
    Arguments parsed;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view argument = arguments[i];
        if (argument == "--help" || argument == "-h") {
            parsed.action = Arguments::Action::help;
        } else if (argument == "--version" || argument == "-V") {
            parsed.action = Arguments::Action::version;
        } else if (argument.starts_with(listen_value)) {
            parsed.listen.push_back(checked_address(argument.substr(listen_value.size())));
        } else if (argument == "--listen") {
            if (++i == arguments.size()) {
                throw Error(ErrorCode::usage, "--listen needs an address", "write --listen 127.0.0.1:11434");
            }
            parsed.listen.push_back(checked_address(arguments[i]));
        } else if (argument == "--compat-no-token") {
            parsed.compat_no_token = true;
        } else if (argument == "--insecure-lan") {
            parsed.insecure_lan = true;
        } else {
            refuse_unknown(argument);
        }
    }
    return parsed;
}

} // namespace hearth::daemon
