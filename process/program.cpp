#include "process/program.hpp"

#include "base/error.hpp"
#include "base/pipe.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hearth::process {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t most_bytes = 1u << 20;
constexpr int exit_late = 124;
constexpr int exit_stopped = 130;

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> result;
    result.reserve(words.size() + 1);
    for (std::string& word : words) {
        result.push_back(word.data());
    }
    result.push_back(nullptr);
    return result;
}

/// @return 0 or an errno
int start(pid_t& pid, std::vector<std::string> words, int out, int err) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    const int failure =
        ::posix_spawnp(&pid, words.front().c_str(), &actions, &attributes, pointers(words).data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

/// @return false at the end of the stream
bool read_some(int fd, std::string& into) {
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0) {
        return errno == EINTR;
    }
    into.append(buffer.data(),
                std::min(static_cast<std::size_t>(got), most_bytes - std::min(most_bytes, into.size())));
    return got > 0;
}

/// @return 0 when both ended, else why they were not waited for: an exit code
int read_both(const UniqueFd& out, const UniqueFd& err, ProgramAnswer& answer, Clock::time_point deadline,
              int stop) {
    std::array<pollfd, 3> watched{{{out.get(), POLLIN, 0}, {err.get(), POLLIN, 0}, {stop, POLLIN, 0}}};
    while (watched[0].fd >= 0 || watched[1].fd >= 0) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0) {
            return exit_late;
        }
        if (::poll(watched.data(), watched.size(), static_cast<int>(left.count())) < 0) {
            continue; // EINTR: what came is to be seen in the next round
        }
        if (watched[2].revents != 0) {
            return exit_stopped;
        }
        if (watched[0].revents != 0 && !read_some(watched[0].fd, answer.out)) {
            watched[0].fd = -1;
        }
        if (watched[1].revents != 0 && !read_some(watched[1].fd, answer.err)) {
            watched[1].fd = -1;
        }
    }
    return 0;
}

int reap(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

} // namespace

std::optional<ProgramAnswer> ask_program(const std::vector<std::string>& words,
                                         std::chrono::milliseconds limit, int stop) {
    Pipe out = make_pipe();
    Pipe err = make_pipe();
    pid_t pid = -1;
    if (start(pid, words, out.write_end.get(), err.write_end.get()) != 0) {
        return std::nullopt;
    }
    out.write_end.reset();
    err.write_end.reset();
    ProgramAnswer answer;
    const int cut_short = read_both(out.read_end, err.read_end, answer, Clock::now() + limit, stop);
    if (cut_short != 0) {
        ::kill(pid, SIGKILL);
    }
    const int code = reap(pid);
    answer.exit_code = cut_short != 0 ? cut_short : code;
    return answer;
}

int run_on_terminal(const std::vector<std::string>& words) {
    std::vector<std::string> own = words;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    pid_t pid = -1;
    const int failure =
        ::posix_spawnp(&pid, own.front().c_str(), &actions, nullptr, pointers(own).data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failure != 0) {
        throw system_error(failure, "cannot start " + own.front(), ErrorCode::unsupported);
    }
    return reap(pid);
}

void become_program(const std::vector<std::string>& words) {
    std::vector<std::string> own = words;
    ::execvp(own.front().c_str(), pointers(own).data());
    throw system_error(errno, "cannot start " + words.front(), ErrorCode::unsupported);
}

} // namespace hearth::process
