#include "cli/interrupt.hpp"

#include "base/error.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace hearth::cli {
namespace {

std::atomic<int> signal_pipe{-1}; // a handler reaches nothing else
std::atomic<bool> term_came{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void on_signal(int number) {
    const int saved = errno;
    if (number == SIGTERM) {
        term_came = true;
    }
    [[maybe_unused]] const ssize_t written = ::write(signal_pipe.load(), "!", 1);
    errno = saved;
}

void install(void (*handler)(int)) {
    struct sigaction action{};
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
}

} // namespace

Interrupt::Interrupt() : pipe_(make_pipe(O_NONBLOCK)) {
    signal_pipe = pipe_.write_end.get();
    install(on_signal);
}

Interrupt::~Interrupt() {
    install(SIG_DFL);
    signal_pipe = -1;
}

bool Interrupt::pending() const noexcept {
    pollfd watched{pipe_.read_end.get(), POLLIN, 0};
    return ::poll(&watched, 1, 0) > 0;
}

bool Interrupt::terminated() const noexcept {
    return term_came;
}

void Interrupt::clear() noexcept {
    std::array<char, 64> buffer{};
    while (::read(pipe_.read_end.get(), buffer.data(), buffer.size()) > 0) {
    }
}

void Interrupt::check() const {
    if (pending()) {
        throw Error(ErrorCode::cancelled, "interrupted");
    }
}

} // namespace hearth::cli
