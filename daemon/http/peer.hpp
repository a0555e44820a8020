#pragma once

#include "daemon/http/endpoint.hpp"
#include "daemon/http/request.hpp"

#include <optional>

namespace hearth::daemon::http {

class Door;

/// Who is at the other end of a connection and by which socket they came: a value, read once when they are
/// accepted.
struct Peer {
    Access access = Access::full; ///< Unix: of the socket; TCP: what a token says, so this is not used
    Door* door = nullptr;         ///< TCP: the rules; outlives the connection
    Endpoint remote;              ///< TCP
    Endpoint local;               ///< TCP: the address that this client reached us by
    App app;                      ///< Unix: the program
};

/// Reads who connected over a Unix socket.
/// @return nothing when it is a user other than ours or root
std::optional<Peer> read_unix_peer(int socket, Access access);

/// @return nothing when the client has left already, and where the door serves its own page alone, when it is
/// another user's than ours or root's
std::optional<Peer> read_tcp_peer(int socket, Door& door);

} // namespace hearth::daemon::http
