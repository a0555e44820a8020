#include "process/detached.hpp"

#include "base/error.hpp"

#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hearth::process {
namespace {

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
    int spawn(pid_t& pid, std::vector<std::string> words) const {
        std::vector<char*> pointers;
        pointers.reserve(words.size() + 1);
        for (std::string& word : words) {
            pointers.push_back(word.data());
        }
        pointers.push_back(nullptr);
        return ::posix_spawn(&pid, pointers.front(), &actions_, &attributes_, pointers.data(), environ);
    }

  private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

} // namespace

std::optional<DetachedProcess::Ending> DetachedProcess::try_reap() noexcept {
    int status = 0;
    if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) {
        return std::nullopt;
    }
    pid_ = -1;
    Ending ending;
    ending.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    ending.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return ending;
}

DetachedProcess start_detached(const std::filesystem::path& program,
                               const std::vector<std::string>& arguments, int log_fd) {
    const SpawnPlan plan(log_fd);
    std::vector<std::string> words{program.string()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    pid_t pid = -1;
    if (const int failure = plan.spawn(pid, std::move(words)); failure != 0) {
        throw system_error(failure, "cannot start " + program.string(), ErrorCode::daemon_unreachable);
    }
    return DetachedProcess(pid);
}

} // namespace hearth::process
