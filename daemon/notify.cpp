#include "daemon/notify.hpp"

#include "base/log.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace hearth::daemon {

ServiceNotifier::ServiceNotifier() {
    const char* value = std::getenv("NOTIFY_SOCKET"); // NOLINT(concurrency-mt-unsafe): before any thread
    const std::string path = value != nullptr ? value : "";
    ::unsetenv("NOTIFY_SOCKET"); // NOLINT(concurrency-mt-unsafe)
    sockaddr_un address{};
    if (path.empty() || (path[0] != '/' && path[0] != '@') || path.size() >= sizeof address.sun_path) {
        return;
    }
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path[0] == '@') {
        address.sun_path[0] = '\0'; // the abstract namespace
    }
    UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
        log::warning("daemon",
                     std::string("NOTIFY_SOCKET: ") + std::strerror(errno)); // NOLINT(concurrency-mt-unsafe)
        return;
    }
    socket_ = std::move(socket);
}

void ServiceNotifier::send(const std::string& state) const noexcept {
    if (socket_) {
        [[maybe_unused]] const auto sent =
            ::send(socket_.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

} // namespace hearth::daemon
