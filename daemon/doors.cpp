#include "daemon/doors.hpp"

#include "base/error.hpp"

namespace hearth::daemon {

bool has_certificate(const ServerConfig& server) noexcept {
    return !server.tls_cert.empty() || !server.tls_key.empty();
}

std::unique_ptr<http::Certificate> read_certificate(const ServerConfig& server) {
    if (!has_certificate(server)) {
        return nullptr;
    }
    if (server.tls_cert.empty() || server.tls_key.empty()) {
        throw Error(ErrorCode::usage, "a TLS certificate needs its key, and the key its certificate",
                    "write --tls-cert FILE --tls-key FILE");
    }
    return std::make_unique<http::Certificate>(server.tls_cert, server.tls_key);
}

bool speaks_tls(const http::Endpoint& endpoint, const ServerConfig& server) {
    return has_certificate(server) && !http::is_loopback(endpoint.address());
}

void check_reach(const http::Endpoint& endpoint, const ServerConfig& server) {
    if (http::is_loopback(endpoint.address()) || speaks_tls(endpoint, server) || server.insecure_lan) {
        return;
    }
    throw Error(ErrorCode::forbidden,
                http::endpoint_text(endpoint) +
                    " can be reached from other machines, and there is no certificate to encrypt with",
                "add --tls-cert FILE --tls-key FILE; or, in a network where everybody may read prompts and "
                "tokens, --insecure-lan");
}

std::vector<http::ListenSocket> open_doors(const ServerConfig& server) {
    std::vector<http::Endpoint> endpoints;
    for (const std::string& address : server.listen) {
        endpoints.push_back(http::parse_endpoint(address));
        check_reach(endpoints.back(), server);
    }
    std::vector<http::ListenSocket> sockets;
    sockets.reserve(endpoints.size());
    for (const http::Endpoint& endpoint : endpoints) {
        sockets.push_back(http::bind_tcp(endpoint));
    }
    return sockets;
}

http::DoorRules door_rules(const http::Endpoint& endpoint, const ServerConfig& server) {
    const bool loopback = http::is_loopback(endpoint.address());
    http::DoorRules rules;
    rules.hosts = server.hosts;
    rules.origins = server.origins;
    rules.reach = loopback ? http::Reach::loopback : http::Reach::network;
    if (loopback && server.compat_no_token) {
        rules.anonymous = http::Anonymous::infer;
    }
    return rules;
}

std::string describe(const http::Door& door) {
    const http::DoorRules& rules = door.rules();
    std::string text =
        rules.anonymous == http::Anonymous::infer ? "inference and listing without a token" : "with a token";
    if (rules.reach == http::Reach::network) {
        text += ", from other machines";
        text += door.certificate() != nullptr ? ", TLS" : ", not encrypted";
    }
    return text;
}

} // namespace hearth::daemon
