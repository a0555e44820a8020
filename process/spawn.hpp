#pragma once

#include "base/unique_fd.hpp"

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace hearth::process {

/// What to start. The child gets a session of its own (no terminal), default signals, stdin from /dev/null,
/// stdout and stderr as ours, `inherited` at the numbers given, everything else closed; a clean environment:
/// PATH, HOME, LANG, XDG_*, HEARTH_*, TMPDIR, JOURNAL_STREAM, sanitizer options, HEARTH_PARENT_PID (for
/// tie_to_parent), and what `environment` adds (never LD_*; proxies only where added).
struct SpawnRequest {
    std::filesystem::path program;
    std::vector<std::string> arguments;         ///< without argv[0]
    std::vector<std::pair<int, int>> inherited; ///< (our descriptor, number in the child ≥ 3)
    std::vector<std::string> environment;       ///< "NAME=value"
};

/// A started child. Destroying it kills and reaps it. Not thread-safe.
class Child {
  public:
    Child() = default;
    explicit Child(pid_t pid) : pid_(pid) {}
    Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
    Child& operator=(Child&& other) noexcept;
    ~Child();

    pid_t pid() const noexcept { return pid_; }
    void signal(int number) const noexcept;
    /// Reaps without waiting. @return true when it has ended; then `status()` is the wait status
    bool try_reap() noexcept;
    /// A descriptor that is readable once the process has ended and can be reaped; invalid where there is none to have.
    UniqueFd open_end_handle() const noexcept;
    /// Gives the process up: it lives on without us. @return its pid
    pid_t release() noexcept { return std::exchange(pid_, -1); }
    /// Waits at most `milliseconds`, then SIGKILL, then waits. Blocking: keep it off the io thread, or use 0.
    void terminate(int milliseconds) noexcept;
    int status() const noexcept { return status_; }
    /// "exit code 3", "signal 11 (Segmentation fault)".
    std::string status_text() const;

  private:
    pid_t pid_ = -1;
    int status_ = 0;
};

/// fork and exec. The calling thread should live as long as the child: PR_SET_PDEATHSIG follows the thread.
/// @throws Error  backend_failed when the program cannot be started (reported by errno from the child through
/// a pipe)
Child spawn(const SpawnRequest& request);

/// A connected pair of SOCK_STREAM Unix sockets, close-on-exec. @throws Error internal
std::pair<UniqueFd, UniqueFd> socket_pair();

/// First lines of a child's main: dies with its parent (PR_SET_PDEATHSIG and a check that the parent of
/// HEARTH_PARENT_PID is still there), no core dumps, not dumpable. A process that is not dumpable still opens
/// its own /proc/self/fd/N, also without root: the kernel allows the same thread group (proven by
/// tests/process/spawn_test.cpp).
void tie_to_parent();

} // namespace hearth::process
