#include "tray/service/reader.hpp"

namespace hearth::tray {

std::vector<Message> Reader::read_all() {
    State service;
    std::vector<Message> messages;
    messages.emplace_back(
        Snapshot{Source::capabilities, client_.get(std::string(target_of(Source::capabilities)))});
    reduce(service, messages.front());
    routes_ = std::move(service.routes);
    for (const Source source : all_sources()) {
        if (source != Source::capabilities) {
            for (Message& message : read({source})) {
                messages.push_back(std::move(message));
            }
        }
    }
    return messages;
}

std::vector<Message> Reader::read(const std::vector<Source>& sources) const {
    std::vector<Message> messages;
    for (const Source source : sources) {
        const std::string target(target_of(source));
        if (routes_.contains("GET " + target)) {
            messages.emplace_back(Snapshot{source, client_.get(target)});
        }
    }
    return messages;
}

std::string events_target() {
    return "/hearth/v1/events?heartbeat=3600";
}

} // namespace hearth::tray
