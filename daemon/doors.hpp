#pragma once

#include "base/config.hpp"
#include "daemon/http/door_rules.hpp"
#include "daemon/http/listen_sockets.hpp"

#include <string>
#include <vector>

/// From what a user asked for to TCP sockets and the rules of each. Blocking; used at start.
namespace hearth::daemon {

/// Beyond this machine everybody on the way can read what is said, so it takes the user's word.
/// @throws Error forbidden
void check_reach(const http::Endpoint& endpoint, const ServerConfig& server);

/// Opens every address of `server.listen`.
/// @throws Error  invalid_argument, forbidden, address_taken
std::vector<http::ListenSocket> open_doors(const ServerConfig& server);

/// Clients without a token come in on loopback addresses alone.
http::DoorRules door_rules(const http::Endpoint& endpoint, const ServerConfig& server);

/// For people: "inference and listing without a token".
std::string describe(const http::DoorRules& rules);

} // namespace hearth::daemon
