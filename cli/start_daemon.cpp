#include "cli/start_daemon.hpp"

#include "base/error.hpp"
#include "base/paths.hpp"
#include "base/unique_fd.hpp"

#include <fmt/format.h>

#include <array>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hearth::cli {
namespace {

/// Not process::spawn: that ties a child to its parent, and this one must outlive us.
class SpawnPlan {
  public:
    explicit SpawnPlan(int log_fd) {
        posix_spawn_file_actions_init(&actions_);
        posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions_, log_fd, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&actions_, log_fd, STDERR_FILENO);
        posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
        posix_spawnattr_init(&attributes_);
        sigset_t all;
        sigfillset(&all);
        posix_spawnattr_setsigdefault(&attributes_, &all);
        sigset_t none;
        sigemptyset(&none);
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setflags(&attributes_,
                                 POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    }
    ~SpawnPlan() {
        posix_spawn_file_actions_destroy(&actions_);
        posix_spawnattr_destroy(&attributes_);
    }
    SpawnPlan(const SpawnPlan&) = delete;

    /// @return 0 or an errno
    int spawn(pid_t& pid, const std::string& program) const {
        std::array<char*, 2> arguments{const_cast<char*>(program.c_str()), nullptr};
        return ::posix_spawn(&pid, program.c_str(), &actions_, &attributes_, arguments.data(), environ);
    }

  private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

UniqueFd open_log() {
    const std::filesystem::path path = paths::log_file();
    std::error_code failure;
    std::filesystem::create_directories(path.parent_path(), failure);
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) {
        throw system_error(errno, "opening the log " + path.string());
    }
    return fd;
}

} // namespace

std::optional<std::string> StartedDaemon::failure() {
    constexpr int another_owns_the_socket = 75; // design section 4
    int status = 0;
    if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) {
        return std::nullopt;
    }
    pid_ = -1;
    if (WIFSIGNALED(status)) {
        return fmt::format("hearthd was ended by signal {}", WTERMSIG(status));
    }
    if (WEXITSTATUS(status) == another_owns_the_socket) {
        return std::nullopt;
    }
    return fmt::format("hearthd ended with exit code {}", WEXITSTATUS(status));
}

StartedDaemon start_daemon() {
    const std::string program = paths::sibling_program("hearthd").string();
    const UniqueFd log = open_log();
    const SpawnPlan plan(log.get());
    pid_t pid = -1;
    if (const int failure = plan.spawn(pid, program); failure != 0) {
        const Error cause = system_error(failure, "cannot start " + program, ErrorCode::daemon_unreachable);
        throw Error(ErrorCode::daemon_unreachable, cause.what(),
                    "install hearthd beside hearth, or start it yourself");
    }
    return StartedDaemon(pid);
}

} // namespace hearth::cli
