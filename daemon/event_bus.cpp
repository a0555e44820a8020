#include "daemon/event_bus.hpp"

#include <fmt/format.h>

namespace hearth::daemon {

std::shared_ptr<LineQueue> EventBus::subscribe(const boost::asio::any_io_executor& executor) {
    auto queue = std::make_shared<LineQueue>(executor);
    if (closed_) {
        queue->close();
    }
    subscribers_.push_back(queue);
    return queue;
}

void EventBus::publish(const std::string& type, Json data, const std::string& key) {
    std::erase_if(subscribers_, [](const auto& subscriber) { return subscriber.expired(); });
    data["type"] = type;
    const std::string full_key = key.empty() ? key : fmt::format("{} {}", type, key);
    for (const auto& subscriber : subscribers_) {
        if (const auto queue = subscriber.lock()) {
            queue->push(data, full_key);
        }
    }
}

void EventBus::close() {
    closed_ = true;
    for (const auto& subscriber : subscribers_) {
        if (const auto queue = subscriber.lock()) {
            queue->close();
        }
    }
}

} // namespace hearth::daemon
