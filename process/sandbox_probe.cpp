#include "process/sandbox_probe.hpp"

#include "base/error.hpp"
#include "base/unique_fd.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

#include <cerrno>

namespace hearth::process {

namespace {

/// `result` and errno of a call that must have been refused.
void expect_refusal(long result, const char* name) {
    const int error = errno;
    if (result != -1 || error != EPERM) {
        const std::string how =
            result != -1 ? std::string("it succeeded") : fmt::format("errno is {}", error);
        throw Error(ErrorCode::internal,
                    fmt::format("the sandbox does not hold: {} was not refused ({})", name, how),
                    "this kernel or container does not support seccomp filters as Hearth needs them");
    }
}

void probe_network() {
    const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    expect_refusal(socket ? 0 : -1, "socket");
    const sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {}, .sin_zero = {}};
    expect_refusal(::syscall(SYS_connect, -1, &address, sizeof address), "connect");
    expect_refusal(::syscall(SYS_bind, -1, &address, sizeof address), "bind");
    expect_refusal(::syscall(SYS_listen, -1, 1), "listen");
    expect_refusal(::syscall(SYS_sendto, -1, "", 0, 0, &address, sizeof address), "sendto");
    expect_refusal(::syscall(SYS_io_uring_setup, 1, nullptr), "io_uring_setup");
}

} // namespace

void probe_sandbox(SandboxProfile profile) {
    expect_refusal(::syscall(SYS_unshare, 0), "unshare");
    if (profile != SandboxProfile::fetch) {
        probe_network();
    }
    if (profile != SandboxProfile::core) {
        expect_refusal(::syscall(SYS_execve, nullptr, nullptr, nullptr), "execve");
    }
    if (profile == SandboxProfile::runner) {
        expect_refusal(::syscall(SYS_accept4, -1, nullptr, nullptr, SOCK_CLOEXEC), "accept");
    }
}

} // namespace hearth::process
