#include "protocol/socket_stream.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>

namespace hearth::protocol {
namespace {

sockaddr_un address_of(const std::filesystem::path& path) {
    const std::string& text = path.native();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (text.size() >= sizeof(address.sun_path)) {
        throw Error(ErrorCode::invalid_argument, "the socket path is too long: " + text,
                    "set HEARTH_RUNTIME or HEARTH_SOCKET to a path below 108 bytes");
    }
    std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
    return address;
}

/// Throws cancelled when the interrupt came, else returns after `pause`.
void pause_for(std::chrono::milliseconds pause, int interrupt_fd) {
    pollfd watched{interrupt_fd, POLLIN, 0};
    if (::poll(&watched, 1, static_cast<int>(pause.count())) > 0) {
        throw Error(ErrorCode::cancelled, "interrupted");
    }
}

/// Non-blocking from the start: a full backlog answers EAGAIN at once instead of waiting where no interrupt
/// is seen.
UniqueFd connect_to(const std::filesystem::path& path, int interrupt_fd) {
    constexpr int backlog_retries = 200;
    constexpr std::chrono::milliseconds backlog_pause(5);
    const sockaddr_un address = address_of(path);
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) {
        throw system_error(errno, "opening a socket", ErrorCode::internal);
    }
    int retries = 0;
    while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        if (errno == EAGAIN && ++retries < backlog_retries) {
            pause_for(backlog_pause, interrupt_fd);
            continue;
        }
        const Error cause = system_error(errno, path.string(), ErrorCode::daemon_unreachable);
        throw Error(ErrorCode::daemon_unreachable,
                    std::string("no Hearth service answers at ") + cause.what(), "start it: hearthd");
    }
    return fd;
}

} // namespace

SocketStream::SocketStream(const std::filesystem::path& path, int interrupt_fd,
                           std::optional<std::chrono::milliseconds> limit)
    : fd_(connect_to(path, interrupt_fd)), interrupt_fd_(interrupt_fd) {
    if (limit) {
        deadline_ = std::chrono::steady_clock::now() + *limit;
    }
}

int SocketStream::milliseconds_left() const {
    if (!deadline_) {
        return -1;
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, 1'000'000'000));
}

void SocketStream::wait_for(short events) const {
    while (true) {
        std::array<pollfd, 2> watched{{{fd_.get(), events, 0}, {interrupt_fd_, POLLIN, 0}}}; // poll skips -1
        const int ready = ::poll(watched.data(), watched.size(), milliseconds_left());
        if (ready < 0 && errno != EINTR) {
            throw system_error(errno, "waiting for the service", ErrorCode::internal);
        }
        if (ready > 0 && watched[1].revents != 0) {
            throw Error(ErrorCode::cancelled, "interrupted");
        }
        if (ready > 0) {
            return;
        }
        if (ready == 0) {
            throw Error(ErrorCode::timeout, "the service did not answer in time");
        }
    }
}

void SocketStream::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            wait_for(POLLOUT);
        } else if (errno != EINTR) {
            return; // EPIPE, ECONNRESET
        }
    }
}

std::size_t SocketStream::receive(std::span<char> buffer) {
    while (true) {
        wait_for(POLLIN); // before each read, so that a fast stream cannot outrun an interrupt
        const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        if (got >= 0) {
            return static_cast<std::size_t>(got);
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            throw system_error(errno, "the connection to the service broke", ErrorCode::daemon_unreachable);
        }
    }
}

} // namespace hearth::protocol
