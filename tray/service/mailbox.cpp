#include "tray/service/mailbox.hpp"

#include "base/error.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>
#include <utility>

namespace hearth::tray {

Mailbox::Mailbox() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!fd_) {
        throw system_error(errno, "making a mailbox", ErrorCode::internal);
    }
}

void Mailbox::post(Message message) {
    std::vector<Message> one;
    one.push_back(std::move(message));
    post(std::move(one));
}

void Mailbox::post(std::vector<Message> messages) {
    const std::lock_guard lock(mutex_);
    std::ranges::move(messages, std::back_inserter(messages_));
    ::eventfd_write(fd_.get(), 1);
}

std::vector<Message> Mailbox::take() {
    const std::lock_guard lock(mutex_);
    eventfd_t count = 0;
    ::eventfd_read(fd_.get(), &count);
    return std::exchange(messages_, {});
}

} // namespace hearth::tray
