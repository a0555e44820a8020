#include "process/spawn.hpp"

#include "base/error.hpp"
#include "process/child_setup.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

namespace hearth::process {

namespace {

/// Everything the child needs, allocated before the fork: afterwards only async-signal-safe calls are
/// allowed.
struct Preparation {
    explicit Preparation(const SpawnRequest& request);

    std::string program;
    std::vector<std::string> arguments;
    std::vector<std::string> environment;
    std::vector<char*> argument_pointers;
    std::vector<char*> environment_pointers;
    std::vector<std::pair<int, int>> inherited;
    std::vector<int> kept; ///< numbers that survive, ascending; the error pipe is the last
    int error_number = 3;  ///< where the error pipe goes
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);
    return pointers;
}

Preparation::Preparation(const SpawnRequest& request)
    : program(request.program.string()), arguments(request.arguments),
      environment(child_environment(request.environment)), inherited(request.inherited) {
    arguments.insert(arguments.begin(), program);
    argument_pointers = pointers_to(arguments);
    environment_pointers = pointers_to(environment);
    for (const auto& [ours, number] : inherited) {
        if (number < 3) {
            throw Error(ErrorCode::internal, "a child's descriptors begin at 3");
        }
        kept.push_back(number);
        error_number = std::max(error_number, number + 1);
    }
    kept.push_back(error_number);
    std::sort(kept.begin(), kept.end());
}

/// Moves descriptors to their numbers: first all out of the way, so that no target overwrites a source.
bool place_descriptors(Preparation& preparation, int error_pipe) noexcept {
    const int above = preparation.error_number + 1;
    const int moved_pipe = ::fcntl(error_pipe, F_DUPFD_CLOEXEC, above);
    for (auto& [source, number] : preparation.inherited) {
        source = ::fcntl(source, F_DUPFD_CLOEXEC, above);
        if (source < 0) {
            return false;
        }
    }
    for (const auto& [source, number] : preparation.inherited) {
        if (::dup2(source, number) < 0) {
            return false;
        }
    }
    if (moved_pipe < 0 || ::dup3(moved_pipe, preparation.error_number, O_CLOEXEC) < 0) {
        return false;
    }
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null == STDIN_FILENO) { // ours was closed
        return ::fcntl(null, F_SETFD, 0) == 0;
    }
    return null >= 0 && ::dup2(null, STDIN_FILENO) >= 0;
}

[[noreturn]] void run_child(Preparation& preparation, int error_pipe) noexcept {
    ::setsid();
    reset_signals();
    int report = error_pipe;
    if (place_descriptors(preparation, error_pipe)) {
        report = preparation.error_number;
        close_all_but(preparation.kept);
        ::execve(preparation.program.c_str(), preparation.argument_pointers.data(),
                 preparation.environment_pointers.data());
    }
    const int error = errno;
    [[maybe_unused]] const ssize_t written = ::write(report, &error, sizeof error);
    ::_exit(127);
}

/// Forks with all signals blocked, so that no handler of ours runs in the child.
pid_t fork_child(Preparation& preparation, int error_pipe) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t pid = ::fork();
    const int error = errno;
    if (pid == 0) {
        run_child(preparation, error_pipe);
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0) {
        throw system_error(error, "starting " + preparation.program, ErrorCode::backend_failed);
    }
    return pid;
}

} // namespace

Child spawn(const SpawnRequest& request) {
    Preparation preparation(request);
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw system_error(errno, "starting " + preparation.program, ErrorCode::backend_failed);
    }
    const UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    Child child(fork_child(preparation, write_end.get()));
    write_end.reset();
    int error = 0;
    ssize_t count = 0;
    do { // ends when exec closes the other end
        count = ::read(read_end.get(), &error, sizeof error);
    } while (count < 0 && errno == EINTR);
    if (count == sizeof error) {
        child.terminate(0);
        throw system_error(error, "starting " + preparation.program, ErrorCode::backend_failed);
    }
    return child;
}

std::pair<UniqueFd, UniqueFd> socket_pair() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        throw system_error(errno, "creating a socket pair", ErrorCode::internal);
    }
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

} // namespace hearth::process
