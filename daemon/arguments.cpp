#include "daemon/arguments.hpp"

#include "base/config.hpp"
#include "base/error.hpp"
#include "daemon/http/endpoint.hpp"

#include <optional>
#include <string_view>

namespace hearth::daemon {

const std::string_view help_text =
    R"(Usage: hearthd [--listen ADDRESS]... [--compat-no-token] [--tls-cert FILE --tls-key FILE] [--insecure-lan]
               [--leave-when-idle] [--help] [--version]

Hearth's background service: keeps models, runs them, answers on Unix sockets.
It stays in the foreground, logs to stderr and stops on SIGTERM. `hearth` starts it when none answers.

The TCP door, off unless asked for (settings: server.listen, hosts, origins, compat_no_token, tls_cert, tls_key)
  --listen 127.0.0.1:11434   also serve apps that speak TCP; may be repeated; [::1]:11434 is IPv6.
                             Apps send a token: hearth token create NAME
  --compat-no-token          clients of Ollama's API send none: inference and listing without one, on
                             loopback addresses
  --tls-cert FILE            certificate with its chain, and its key, in PEM: with them an address beyond this
  --tls-key FILE             machine may be opened, such as 0.0.0.0:11434, and speaks TLS
  --insecure-lan             allow such an address without TLS, where others can read what is said

  --leave-when-idle          end when nobody used it for server.leave_after (30m) and no model is loaded; `hearth`
                             starts it so. Not while it serves TCP

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

/// The value of an option that stands at `index`, in the same word after '=' or in the next one, which is then
/// taken. @throws Error usage when there is none
std::optional<std::string_view> value_of(std::string_view option, std::span<char* const> arguments,
                                         std::size_t& index) {
    const std::string_view word = arguments[index];
    if (!word.starts_with(option)) {
        return std::nullopt;
    }
    const std::string_view rest = word.substr(option.size());
    if (rest.starts_with('=')) {
        return rest.substr(1);
    }
    if (!rest.empty()) {
        return std::nullopt;
    }
    if (++index == arguments.size()) {
        throw Error(ErrorCode::usage, std::string(option) + " needs a value", "hearthd --help has examples");
    }
    return arguments[index];
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
    server.tls_cert = tls_cert.empty() ? server.tls_cert : tls_cert;
    server.tls_key = tls_key.empty() ? server.tls_key : tls_key;
}

Arguments parse_arguments(std::span<char* const> arguments) {
    Arguments parsed;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view argument = arguments[i];
        if (argument == "--help" || argument == "-h") {
            parsed.action = Arguments::Action::help;
        } else if (argument == "--version" || argument == "-V") {
            parsed.action = Arguments::Action::version;
        } else if (argument == "--compat-no-token") {
            parsed.compat_no_token = true;
        } else if (argument == "--insecure-lan") {
            parsed.insecure_lan = true;
        } else if (argument == "--leave-when-idle") {
            parsed.leave_when_idle = true;
        } else if (const auto address = value_of("--listen", arguments, i)) {
            parsed.listen.push_back(checked_address(*address));
        } else if (const auto certificate = value_of("--tls-cert", arguments, i)) {
            parsed.tls_cert = *certificate;
        } else if (const auto key = value_of("--tls-key", arguments, i)) {
            parsed.tls_key = *key;
        } else {
            refuse_unknown(argument);
        }
    }
    return parsed;
}

} // namespace hearth::daemon
