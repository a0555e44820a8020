#include "process/loopback.hpp"

#include "base/error.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace hearth::process {

namespace {

constexpr int backlog = 64;

} // namespace

UniqueFd listen_on_loopback() {
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(socket.get(), backlog) != 0) {
        const ErrorCode code = errno == EADDRINUSE ? ErrorCode::address_taken : ErrorCode::internal;
        throw system_error(errno, "listening on 127.0.0.1", code);
    }
    return socket;
}

} // namespace hearth::process
