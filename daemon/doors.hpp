#pragma once

#include "base/config.hpp"
#include "daemon/http/door.hpp"
#include "daemon/http/listen_sockets.hpp"
#include "daemon/http/tls/certificate.hpp"

#include <memory>
#include <string>
#include <vector>

/// From what a user asked for to TCP sockets and the rules of each. Blocking; used at start.
namespace hearth::daemon {

/// Whether a TLS certificate was named.
bool has_certificate(const ServerConfig& server) noexcept;

/// The certificate that was named, read; none when none was. It must not be in the memory of other processes, so
/// it is read after the last fork, and before the process is locked.
/// @throws Error  usage: only one of the two files is named; invalid_argument, forbidden
std::unique_ptr<http::Certificate> read_certificate(const ServerConfig& server);

/// Whether clients speak TLS on this address: beyond this machine, when there is a certificate.
bool speaks_tls(const http::Endpoint& endpoint, const ServerConfig& server);

/// Beyond this machine everybody on the way can read what is said, so it takes TLS or the user's word.
/// @throws Error forbidden
void check_reach(const http::Endpoint& endpoint, const ServerConfig& server);

/// Opens every address of `server.listen`.
/// @throws Error  invalid_argument, forbidden, address_taken
std::vector<http::ListenSocket> open_doors(const ServerConfig& server);

/// Clients without a token come in on loopback addresses alone.
http::DoorRules door_rules(const http::Endpoint& endpoint, const ServerConfig& server);

/// For people: "inference and listing without a token".
std::string describe(const http::Door& door);

} // namespace hearth::daemon
