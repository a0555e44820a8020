#include "process/wire/socket_io.hpp"

#include "base/error.hpp"
#include "process/wire/frame.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace hearth::process::wire {

namespace {

/// Room for every descriptor that one message may carry. A message of ours has at most max_fds; the kernel's
/// own limit is 253.
using ControlBuffer = std::array<char, CMSG_SPACE(253 * sizeof(int))>;

std::vector<UniqueFd> collect_fds(msghdr& message) {
    std::vector<UniqueFd> fds;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t index = 0; index < count; ++index) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(part) + index * sizeof(int), sizeof(int));
            fds.emplace_back(fd);
        }
    }
    return fds;
}

IoResult result_of_errno(int error, const char* doing) {
    if (error == EAGAIN || error == EWOULDBLOCK) {
        return IoResult::would_block;
    }
    if (error == ECONNRESET || error == EPIPE || error == ENOTCONN) {
        return IoResult::ended;
    }
    throw system_error(error, doing, ErrorCode::internal);
}

} // namespace

IoResult receive_some(int socket, FrameDecoder& decoder, IoMode mode) {
    const auto targets = decoder.prepare();
    std::array<iovec, 2> parts{};
    std::size_t count = 0;
    for (const auto& target : targets) {
        if (!target.empty()) {
            parts[count++] = {target.data(), target.size()};
        }
    }
    alignas(cmsghdr) ControlBuffer control;
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const int flags = MSG_CMSG_CLOEXEC | (mode == IoMode::poll ? MSG_DONTWAIT : 0);
    ssize_t received = 0;
    do {
        received = ::recvmsg(socket, &message, flags);
    } while (received < 0 && errno == EINTR);
    if (received < 0) {
        return result_of_errno(errno, "receiving on the wire");
    }
    std::vector<UniqueFd> fds = collect_fds(message);
    if ((message.msg_flags & MSG_CTRUNC) != 0) {
        throw Error(ErrorCode::protocol, "wire: descriptors were cut off",
                    "raise the limit of open files (ulimit -n)");
    }
    if (received == 0) {
        return IoResult::ended;
    }
    if (!fds.empty()) {
        decoder.add_fds(std::move(fds));
    }
    decoder.commit(static_cast<std::size_t>(received));
    return IoResult::done;
}

IoResult send_some(int socket, std::span<const iovec> parts, std::span<const UniqueFd> fds, IoMode mode,
                   std::size_t& sent) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data()); // sendmsg does not write to it
    message.msg_iovlen = parts.size();
    alignas(cmsghdr) ControlBuffer control;
    if (!fds.empty()) {
        control.fill(0);
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
        cmsghdr* part = CMSG_FIRSTHDR(&message);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
        for (std::size_t index = 0; index < fds.size(); ++index) {
            const int fd = fds[index].get();
            std::memcpy(CMSG_DATA(part) + index * sizeof(int), &fd, sizeof(int));
        }
    }
    sent = 0;
    const int flags = MSG_NOSIGNAL | (mode == IoMode::poll ? MSG_DONTWAIT : 0);
    ssize_t written = 0;
    do {
        written = ::sendmsg(socket, &message, flags);
    } while (written < 0 && errno == EINTR);
    if (written < 0) {
        return result_of_errno(errno, "sending on the wire");
    }
    sent = static_cast<std::size_t>(written);
    return IoResult::done;
}

bool send_frame(int socket, std::string_view header, std::string_view body, std::span<const UniqueFd> fds) {
    while (!header.empty() || !body.empty()) {
        const std::array<iovec, 2> parts{iovec{const_cast<char*>(header.data()), header.size()},
                                         iovec{const_cast<char*>(body.data()), body.size()}};
        std::size_t sent = 0;
        if (send_some(socket, parts, fds, IoMode::block, sent) == IoResult::ended) {
            return false;
        }
        fds = {};
        const std::size_t of_header = std::min(sent, header.size());
        header.remove_prefix(of_header);
        body.remove_prefix(sent - of_header);
    }
    return true;
}

} // namespace hearth::process::wire
