#pragma once

#include "base/unique_fd.hpp"
#include "tray/model/reduce.hpp"

#include <mutex>
#include <vector>

namespace hearth::tray {

/// Messages from threads that talk with the service to the one that runs the event loop. Any thread.
class Mailbox {
  public:
    /// @throws Error internal
    Mailbox();
    Mailbox(const Mailbox&) = delete;

    void post(Message message);
    /// Several at once: they are taken at once.
    void post(std::vector<Message> messages);
    /// Everything that came.
    std::vector<Message> take();
    /// Readable when there is something to take.
    int fd() const noexcept { return fd_.get(); }

  private:
    UniqueFd fd_;
    std::mutex mutex_;
    std::vector<Message> messages_; // under mutex_
};

} // namespace hearth::tray
