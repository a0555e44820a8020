#include "daemon/http/peer.hpp"

#include "base/log.hpp"
#include "daemon/http/door.hpp"
#include "daemon/http/tcp_owner.hpp"

#include <fmt/format.h>

#include <sys/socket.h>
#include <unistd.h>

#include <climits>
#include <string>

namespace hearth::daemon::http {
namespace {

/// The file that a process runs; unknown when it has ended or hides from us.
App program_of(pid_t process) {
    const std::string link = fmt::format("/proc/{}/exe", process);
    std::string path(PATH_MAX, '\0');
    const ssize_t length = ::readlink(link.c_str(), path.data(), path.size());
    if (length <= 0) {
        return {};
    }
    path.resize(static_cast<std::size_t>(length));
    constexpr std::string_view gone = " (deleted)"; // the kernel's mark: the file was replaced by an update
    if (path.ends_with(gone)) {
        path.resize(path.size() - gone.size());
    }
    return {App::Source::program, std::move(path)};
}

using AskAddress = int (*)(int, sockaddr*, socklen_t*);

bool read_address(AskAddress ask, int socket, Endpoint& endpoint) {
    socklen_t length = static_cast<socklen_t>(endpoint.capacity());
    if (ask(socket, endpoint.data(), &length) != 0) {
        return false;
    }
    endpoint.resize(length);
    return true;
}

/// A page's door is this user's: others do not even get its files. Where the system does not tell, the token
/// decides alone.
bool is_other_user(const Peer& peer) {
    const auto owner = tcp_owner(peer.remote, peer.local);
    if (!owner || *owner == ::geteuid() || *owner == 0) {
        return false;
    }
    log::warning("http", fmt::format("refused a client of user {} at the page's door", *owner));
    return true;
}

} // namespace

std::optional<Peer> read_unix_peer(int socket, Access access) {
    ucred user{};
    socklen_t length = sizeof user;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &user, &length) != 0) {
        return std::nullopt;
    }
    // The file mode keeps others out already; this also holds when somebody loosened it.
    if (user.uid != ::geteuid() && user.uid != 0) {
        log::warning("http", fmt::format("refused a client of user {} (process {})", user.uid, user.pid));
        return std::nullopt;
    }
    Peer peer;
    peer.access = access;
    peer.app = program_of(user.pid);
    return peer;
}

std::optional<Peer> read_tcp_peer(int socket, Door& door) {
    Peer peer;
    peer.access = Access::infer;
    peer.door = &door;
    if (!read_address(::getpeername, socket, peer.remote) ||
        !read_address(::getsockname, socket, peer.local)) {
        return std::nullopt;
    }
    if (door.rules().pages == Pages::own && is_other_user(peer)) {
        return std::nullopt;
    }
    return peer;
}

} // namespace hearth::daemon::http
