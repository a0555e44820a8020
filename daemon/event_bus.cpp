#include "daemon/event_bus.hpp"

namespace hearth::daemon {

std::shared_ptr<LineQueue> EventBus::subscribe(boost::asio::any_io_executor executor) {
    auto queue = std::make_shared<LineQueue>(std::move(executor));
    if (closed_) {
        queue->close();
    }
    subscribers_.push_back(queue);
    return queue;
}

void EventBus::publish(const std::string& type, Json data, const std::string& key) {
    std::erase_if(subscribers_, [](const auto& subscriber) { return subscriber.expired(); });
    data["type"] = type;
    for (const auto& subscriber : subscribers_) {
        if (const auto queue = subscriber.lock()) {
            queue->push(data, key.empty() ? key : type + " " + key);
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
