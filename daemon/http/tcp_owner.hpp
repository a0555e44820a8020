#pragma once

#include "daemon/http/endpoint.hpp"

#include <sys/types.h>

#include <optional>
#include <string_view>

/// Whose program is at the other end of a connection within this machine, as the kernel's table tells.
namespace hearth::daemon::http {

/// @param remote, local  the connection's ends as the accepting side sees them, IPv4
/// @return nothing when the table has no such connection (another machine, a system without /proc)
std::optional<uid_t> tcp_owner(const Endpoint& remote, const Endpoint& local);

/// The same from the text of /proc/net/tcp.
std::optional<uid_t> find_tcp_owner(std::string_view table, const Endpoint& remote, const Endpoint& local);

} // namespace hearth::daemon::http
