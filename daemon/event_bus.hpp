#pragma once

#include "base/json.hpp"
#include "daemon/line_queue.hpp"

#include <memory>
#include <string>
#include <vector>

namespace hearth::daemon {

/// What happens in the service, for everyone who listens to /hearth/v1/events. On the io executor; owned by
/// the daemon.
class EventBus {
  public:
    /// Events as JSON objects with "type". Ends when the subscriber lets it go or the bus closes.
    std::shared_ptr<LineQueue> subscribe(const boost::asio::any_io_executor& executor);

    /// @param key  see LineQueue::push: progress of one thing replaces itself
    void publish(const std::string& type, Json data, const std::string& key = {});
    /// Ends every subscription.
    void close();

  private:
    std::vector<std::weak_ptr<LineQueue>> subscribers_; // a subscriber leaves by letting its queue go
    bool closed_ = false;
};

} // namespace hearth::daemon
