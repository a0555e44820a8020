#include "cli/chat/key_reader.hpp"

#include "cli/chat/window_changes.hpp"
#include "cli/interrupt.hpp"

#include <array>
#include <cerrno>
#include <cwchar>
#include <poll.h>
#include <unistd.h>
#include <utility>

namespace hearth::cli {

KeyReader::KeyReader(int fd, const Interrupt& interrupt, std::function<void(bool)> on_change)
    : fd_(fd), interrupt_(interrupt), on_change_(std::move(on_change)) {}

Key KeyReader::wait_and_fill() {
    std::array<char, 4096> buffer{};
    while (true) {
        std::array<pollfd, 3> watched{{{fd_, POLLIN, 0},
                                       {interrupt_.fd(), POLLIN, 0},
                                       {changes_ != nullptr ? changes_->fd() : -1, POLLIN, 0}}};
        if (::poll(watched.data(), watched.size(), -1) < 0) {
            continue; // EINTR: its pipe says which
        }
        if (watched[1].revents != 0) {
            return Key::interrupted;
        }
        if (watched[2].revents != 0) {
            on_change_(changes_->take());
        } else if (watched[0].revents != 0) {
            const ssize_t got = ::read(fd_, buffer.data(), buffer.size());
            if (got > 0) {
                ahead_.assign(buffer.data(), static_cast<std::size_t>(got));
                return Key::character;
            }
            if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
                return Key::end;
            }
        }
    }
}

Key KeyReader::next_byte(char& byte) {
    if (at_ == ahead_.size()) {
        ahead_.clear();
        at_ = 0;
        if (const Key key = wait_and_fill(); key != Key::character) {
            return key;
        }
    }
    byte = ahead_[at_++];
    return Key::character;
}

Key KeyReader::next_character(wchar_t& character) {
    constexpr auto invalid = static_cast<std::size_t>(-1);
    constexpr auto incomplete = static_cast<std::size_t>(-2);
    std::mbstate_t state{};
    while (true) {
        const bool fresh = std::mbsinit(&state) != 0;
        char byte = 0;
        if (const Key key = next_byte(byte); key != Key::character) {
            return key;
        }
        const std::size_t length = std::mbrtowc(&character, &byte, 1, &state);
        if (length == incomplete) {
            continue;
        }
        if (length != invalid) {
            character = length == 0 ? L'\0' : character;
            return Key::character;
        }
        state = {};
        at_ -= fresh ? 0 : 1; // it may begin a character of its own
    }
}

} // namespace hearth::cli
