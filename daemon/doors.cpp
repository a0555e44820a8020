#include "daemon/doors.hpp"

#include "base/error.hpp"

namespace hearth::daemon {

void check_reach(const http::Endpoint& endpoint, const ServerConfig& server) {
    if (http::is_loopback(endpoint.address()) || server.insecure_lan) {
        return;
    }
    throw Error(
        ErrorCode::forbidden,
        http::endpoint_text(endpoint) +
            " can be reached from other machines, and this version does not encrypt",
        "put a proxy with TLS before 127.0.0.1; or, in a network where everybody may read prompts and "
        "tokens, add --insecure-lan");
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

std::string describe(const http::DoorRules& rules) {
    std::string text =
        rules.anonymous == http::Anonymous::infer ? "inference and listing without a token" : "with a token";
    if (rules.reach == http::Reach::network) {
        text += ", from other machines, not encrypted";
    }
    return text;
}

} // namespace hearth::daemon
