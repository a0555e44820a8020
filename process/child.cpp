#include "process/spawn.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

namespace hearth::process {

namespace {

UniqueFd open_pidfd(pid_t pid) noexcept {
    return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

/// @return true when the process ended within the time
bool wait_for_end(pid_t pid, int milliseconds) noexcept {
    const UniqueFd handle = open_pidfd(pid);
    if (!handle) {
        return false;
    }
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + std::chrono::milliseconds(milliseconds);
    while (true) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd entry{.fd = handle.get(), .events = POLLIN, .revents = 0};
        const int ready = ::poll(&entry, 1, left > 0 ? static_cast<int>(left) : 0);
        if (ready >= 0 || errno != EINTR) {
            return ready > 0;
        }
    }
}

} // namespace

Child& Child::operator=(Child&& other) noexcept {
    if (this != &other) {
        terminate(0);
        pid_ = std::exchange(other.pid_, -1);
        status_ = other.status_;
    }
    return *this;
}

Child::~Child() {
    terminate(0);
}

void Child::signal(int number) const noexcept {
    if (pid_ > 0) {
        ::kill(pid_, number);
    }
}

bool Child::try_reap() noexcept {
    if (pid_ <= 0) {
        return true;
    }
    int status = 0;
    const pid_t reaped = ::waitpid(pid_, &status, WNOHANG);
    if (reaped == pid_) {
        status_ = status;
        pid_ = -1;
        return true;
    }
    if (reaped < 0 && errno == ECHILD) { // SIGCHLD is ignored: the kernel reaped it
        pid_ = -1;
        return true;
    }
    return false;
}

UniqueFd Child::open_end_handle() const noexcept {
    return pid_ > 0 ? open_pidfd(pid_) : UniqueFd();
}

void Child::terminate(int milliseconds) noexcept {
    if (try_reap()) {
        return;
    }
    if (milliseconds > 0) {
        wait_for_end(pid_, milliseconds);
    }
    if (try_reap()) {
        return;
    }
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    status_ = status;
    pid_ = -1;
}

std::string Child::status_text() const {
    if (WIFSIGNALED(status_)) {
        return fmt::format("signal {} ({})", WTERMSIG(status_), ::strsignal(WTERMSIG(status_)));
    }
    return fmt::format("exit code {}", WEXITSTATUS(status_));
}

} // namespace hearth::process
