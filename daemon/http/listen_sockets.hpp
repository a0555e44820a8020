#pragma once

#include "base/unique_fd.hpp"
#include "daemon/http/endpoint.hpp"
#include "daemon/http/request.hpp"

#include <filesystem>
#include <optional>
#include <vector>

/// The sockets that a daemon listens on: its own, or those that systemd hands over. Blocking; used once, at
/// start.
namespace hearth::daemon::http {

struct ListenSocket {
    UniqueFd fd;
    Access access = Access::full;
    std::filesystem::path path;       ///< Unix
    std::optional<Endpoint> endpoint; ///< TCP, as it is bound
    bool inherited = false;           ///< systemd's: never unlinked by us
};

/// Descriptors 3 … of $LISTEN_FDS when $LISTEN_PID is this process; a name or path with "infer" has
/// Access::infer. Removes the variables.
/// @throws Error  invalid_argument: not a listening Unix or TCP socket
std::vector<ListenSocket> take_systemd_sockets();

/// The lock on `<directory>/hearth.lock` that decides who owns the sockets; the folder is made private first.
/// It is released when the descriptor is closed, also by a crash.
/// @throws Error  store_locked when another daemon holds it; store_failed
UniqueFd lock_runtime_dir(const std::filesystem::path& directory);

/// Binds and listens, mode 0600. A socket file that is there is stale, because the caller holds the lock, and
/// is replaced.
/// @throws Error  invalid_argument when the path is longer than a socket address can hold; store_failed
ListenSocket bind_socket(const std::filesystem::path& path, Access access);

/// The TCP address that a socket is bound to. @throws Error store_failed
Endpoint bound_endpoint(int fd);

/// Binds and listens on a TCP address.
/// @throws Error  address_taken; forbidden: a port that needs more rights; invalid_argument: not an address of
/// this machine
ListenSocket bind_tcp(const Endpoint& endpoint);

} // namespace hearth::daemon::http
