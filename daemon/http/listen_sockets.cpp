#include "daemon/http/listen_sockets.hpp"

#include "base/error.hpp"
#include "base/paths.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

namespace hearth::daemon::http {
namespace {

constexpr int first_systemd_descriptor = 3;
constexpr int backlog = 256;

std::string take_variable(const char* name) {
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): before any thread
    std::string text = value != nullptr ? value : "";
    ::unsetenv(name); // NOLINT(concurrency-mt-unsafe)
    return text;
}

std::vector<std::string> split_names(const std::string& text) {
    std::vector<std::string> names;
    for (std::size_t begin = 0; begin <= text.size();) {
        const auto end = std::min(text.find(':', begin), text.size());
        names.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return names;
}

/// Reads what systemd bound this descriptor to.
void describe(ListenSocket& socket) {
    const int fd = socket.fd.get();
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    int listening = 0;
    socklen_t size = sizeof listening;
    const bool asked = ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length) == 0 &&
                       ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0;
    if (asked && listening != 0 && (storage.ss_family == AF_INET || storage.ss_family == AF_INET6)) {
        socket.endpoint = bound_endpoint(fd);
        return;
    }
    if (!asked || storage.ss_family != AF_UNIX || listening == 0) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("descriptor {} from systemd is not a listening Unix or TCP socket", fd),
                    "the socket unit needs ListenStream=%t/hearth/api.sock");
    }
    sockaddr_un address{};
    std::memcpy(&address, &storage, std::min<std::size_t>(length, sizeof address));
    const std::size_t bytes =
        length > offsetof(sockaddr_un, sun_path) ? length - offsetof(sockaddr_un, sun_path) : 0;
    socket.path = std::string(address.sun_path, ::strnlen(address.sun_path, bytes));
}

[[noreturn]] void throw_not_bound(int error, const std::string& address) {
    switch (error) {
    case EADDRINUSE:
        throw Error(ErrorCode::address_taken, "another program listens on " + address,
                    "stop it (Ollama listens on port 11434), or choose another port");
    case EACCES:
        throw Error(ErrorCode::forbidden, "this user may not listen on " + address,
                    "choose a port of 1024 or more");
    case EADDRNOTAVAIL:
        throw Error(ErrorCode::invalid_argument, address + " is not an address of this machine");
    default:
        throw system_error(error, "listening on " + address);
    }
}

} // namespace

Endpoint bound_endpoint(int fd) {
    Endpoint endpoint;
    auto length = static_cast<socklen_t>(endpoint.capacity());
    if (::getsockname(fd, endpoint.data(), &length) != 0) {
        throw system_error(errno, "asking a socket for its address");
    }
    endpoint.resize(length);
    return endpoint;
}

std::vector<ListenSocket> take_systemd_sockets() {
    const std::string pid = take_variable("LISTEN_PID");
    const std::string count = take_variable("LISTEN_FDS");
    const std::vector<std::string> names = split_names(take_variable("LISTEN_FDNAMES"));
    std::vector<ListenSocket> sockets;
    if (pid != std::to_string(::getpid())) {
        return sockets;
    }
    const int descriptors = std::atoi(count.c_str());
    for (int index = 0; index < descriptors && index < 16; ++index) {
        ListenSocket socket;
        socket.fd = UniqueFd(first_systemd_descriptor + index);
        socket.inherited = true;
        ::fcntl(socket.fd.get(), F_SETFD, FD_CLOEXEC);
        describe(socket);
        const std::string name = static_cast<std::size_t>(index) < names.size() ? names[index] : "";
        const bool infer = name.find("infer") != std::string::npos || socket.path.filename() == "infer.sock";
        socket.access = infer || socket.endpoint ? Access::infer : Access::full;
        sockets.push_back(std::move(socket));
    }
    return sockets;
}

UniqueFd lock_runtime_dir(const std::filesystem::path& directory) {
    paths::ensure_private_dir(directory);
    const std::string file = (directory / "hearth.lock").string();
    UniqueFd lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) {
        throw system_error(errno, "opening " + file);
    }
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            throw Error(ErrorCode::store_locked, "another hearthd owns " + directory.string(),
                        "use it, stop it, or give this one its own HEARTH_RUNTIME and HEARTH_DATA");
        }
        throw system_error(errno, "locking " + file);
    }
    return lock;
}

ListenSocket bind_socket(const std::filesystem::path& path, Access access) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string text = path.string();
    if (text.size() >= sizeof address.sun_path) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("the socket path is {} bytes long, the system allows {}: {}", text.size(),
                                sizeof address.sun_path - 1, text),
                    "set HEARTH_RUNTIME to a shorter folder");
    }
    std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
    ListenSocket socket;
    socket.fd = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    socket.access = access;
    socket.path = path;
    if (!socket.fd) {
        throw system_error(errno, "creating a socket");
    }
    struct stat status{};
    if (::lstat(text.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
        ::unlink(text.c_str());
    }
    const mode_t before = ::umask(0177);
    const int bound = ::bind(socket.fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int bind_errno = errno;
    ::umask(before);
    if (bound != 0) {
        throw system_error(bind_errno, "binding " + text);
    }
    if (::listen(socket.fd.get(), backlog) != 0) {
        throw system_error(errno, "listening on " + text);
    }
    return socket;
}

ListenSocket bind_tcp(const Endpoint& endpoint) {
    const std::string text = endpoint_text(endpoint);
    ListenSocket socket;
    socket.access = Access::infer;
    socket.fd = UniqueFd(::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP));
    if (!socket.fd) {
        throw system_error(errno, "creating a TCP socket");
    }
    const int on = 1; // connections of the service before this one may still be closing
    ::setsockopt(socket.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (endpoint.address().is_v6()) {
        ::setsockopt(socket.fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (::bind(socket.fd.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0 ||
        ::listen(socket.fd.get(), backlog) != 0) {
        throw_not_bound(errno, text);
    }
    socket.endpoint = bound_endpoint(socket.fd.get());
    return socket;
}

} // namespace hearth::daemon::http
