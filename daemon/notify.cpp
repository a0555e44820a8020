#include "daemon/notify.hpp"

#include "base/log.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace hearth::daemon {

namespace {

std::string take_variable(const char* name) {
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): before any thread
    std::string text = value != nullptr ? value : "";
    ::unsetenv(name); // NOLINT(concurrency-mt-unsafe)
    return text;
}

std::optional<std::chrono::microseconds> take_watchdog() {
    const std::string pid = take_variable("WATCHDOG_PID");
    const std::string text = take_variable("WATCHDOG_USEC");
    std::int64_t microseconds = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), microseconds);
    const bool ours = pid.empty() || pid == std::to_string(::getpid());
    if (!ours || failure != std::errc() || microseconds <= 0) {
        return std::nullopt;
    }
    return std::chrono::microseconds(microseconds);
}

} // namespace

ServiceNotifier::ServiceNotifier() : watchdog_(take_watchdog()) {
    const std::string path = take_variable("NOTIFY_SOCKET");
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
