#include "tray/service/feed.hpp"

#include "base/error.hpp"
#include "tray/service/reader.hpp"

#include <sys/eventfd.h>

#include <cerrno>
#include <utility>

namespace hearth::tray {

Feed::Feed(std::filesystem::path socket, Mailbox& mailbox, std::function<void(std::string)> on_end)
    : socket_(std::move(socket)), mailbox_(mailbox), on_end_(std::move(on_end)),
      interrupt_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!interrupt_) {
        throw system_error(errno, "making an interrupt", ErrorCode::internal);
    }
    thread_ = std::thread([this] { run(); });
}

Feed::~Feed() {
    stop();
}

void Feed::stop() {
    stopping_ = true;
    ::eventfd_write(interrupt_.get(), 1);
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Feed::run() {
    std::string why = "the service closed the connection";
    try {
        follow();
    } catch (...) {
        why = to_error(std::current_exception()).what();
    }
    if (!stopping_) {
        on_end_(std::move(why));
    }
}

/// The lists are read after the first event: whatever changes meanwhile is told by a later one.
void Feed::follow() {
    const protocol::Client client(socket_, interrupt_.get());
    Reader reader(client);
    protocol::ClientRequest request;
    request.target = events_target();
    client.stream_events(request, [&](const protocol::SseEvent& event) {
        Json body = parse_json(event.data, "an event");
        std::vector<Message> messages;
        if (event.event == "hello") {
            messages = reader.read_all();
            messages.emplace_back(PhaseChanged{ServicePhase::connected});
            connected_ = true;
        } else {
            messages = reader.read(sources_after(event.event));
            messages.insert(messages.begin(), ServiceEvent{event.event, std::move(body)});
        }
        mailbox_.post(std::move(messages));
    });
}

} // namespace hearth::tray
