#pragma once

#include "base/unique_fd.hpp"
#include "tray/service/mailbox.hpp"

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

namespace hearth::tray {

/// One connection to the service's events, on a thread of its own: posts every list at the start, every event, and
/// after an event the lists that it made old. Ends when the service goes or `stop` is called.
class Feed {
  public:
    /// @param mailbox   outlives this
    /// @param on_end    called on the feed's thread when the connection has ended, with why; not after `stop`
    Feed(std::filesystem::path socket, Mailbox& mailbox, std::function<void(std::string)> on_end);
    ~Feed();
    Feed(const Feed&) = delete;

    /// Whether the service has ever answered on it.
    bool was_connected() const noexcept { return connected_; }
    /// Interrupts what is read and waits for the thread.
    void stop();

  private:
    void run();
    void follow();

    std::filesystem::path socket_;
    Mailbox& mailbox_;
    std::function<void(std::string)> on_end_;
    UniqueFd interrupt_;
    std::atomic<bool> stopping_ = false;
    std::atomic<bool> connected_ = false;
    std::thread thread_;
};

} // namespace hearth::tray
