#include "cli/chat/window_changes.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

namespace hearth::cli {
namespace {

std::atomic<int> change_pipe{-1}; // a handler reaches nothing else
static_assert(std::atomic<int>::is_always_lock_free);

constexpr char resized = 'r';
constexpr char continued = 'c';

void on_change(int number) {
    const int saved = errno;
    [[maybe_unused]] const ssize_t written =
        ::write(change_pipe.load(), number == SIGCONT ? &continued : &resized, 1);
    errno = saved;
}

void install(void (*handler)(int)) {
    struct sigaction action{};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    ::sigaction(SIGWINCH, &action, nullptr);
    ::sigaction(SIGCONT, &action, nullptr);
}

} // namespace

WindowChanges::WindowChanges() : pipe_(make_pipe(O_NONBLOCK)) {
    change_pipe = pipe_.write_end.get();
    install(on_change);
}

WindowChanges::~WindowChanges() {
    install(SIG_DFL);
    change_pipe = -1;
}

bool WindowChanges::take() noexcept {
    bool was_stopped = false;
    char what = 0;
    while (::read(pipe_.read_end.get(), &what, 1) > 0) {
        was_stopped = was_stopped || what == continued;
    }
    return was_stopped;
}

} // namespace hearth::cli
