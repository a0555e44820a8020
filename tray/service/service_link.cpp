#include "tray/service/service_link.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/paths.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <utility>

namespace hearth::tray {
namespace {

using std::chrono::milliseconds;

/// Pauses between looks after something has happened, until nothing is expected any more: a service takes its lock and
/// listens a moment after it touches its folder.
constexpr std::array<milliseconds, 9> pauses{milliseconds(20),   milliseconds(50),   milliseconds(100),
                                             milliseconds(250),  milliseconds(500),  milliseconds(1000),
                                             milliseconds(2000), milliseconds(4000), milliseconds(8000)};
/// A service that runs and does not talk with us is asked again at this pause.
constexpr milliseconds longest_pause(30'000);
/// A service that has closed our connection is ending: one that connects meanwhile would have the system start it again.
constexpr std::chrono::seconds ending_takes(60);

ServiceLink& link_of(void* self) {
    return *static_cast<ServiceLink*>(self);
}

/// A service that starts or ends opens and closes its lock, or makes or removes its socket.
bool concerns_service(const inotify_event& event, const std::filesystem::path& socket) {
    const std::string_view name(event.len > 0 ? event.name : "");
    return name == "hearth.lock" || name == socket.filename().native();
}

} // namespace

ServiceLink::ServiceLink(sd_event* loop, std::filesystem::path socket, Mailbox& mailbox)
    : loop_(loop), socket_(std::move(socket)), mailbox_(mailbox),
      ended_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!ended_) {
        throw system_error(errno, "making an event", ErrorCode::internal);
    }
}

ServiceLink::~ServiceLink() = default;

void ServiceLink::start() {
    sd_event_source* source = nullptr;
    check(sd_event_add_io(loop_, &source, ended_.get(), EPOLLIN, on_feed_ended, this),
          "following the service");
    feed_watch_.reset(source);
    watch_folder();
    step_ = pauses.size(); // nothing has happened yet
    look();
}

/// The folder is made when it is absent, as the service would: there must be something to watch.
void ServiceLink::watch_folder() {
    const std::filesystem::path folder = socket_.parent_path();
    try {
        if (folder == paths::runtime_dir()) {
            paths::ensure_private_dir(folder);
        }
    } catch (const Error& error) {
        log::warning("tray", error.what());
    }
    constexpr std::uint32_t mask = IN_CREATE | IN_MOVED_TO | IN_OPEN | IN_CLOSE_WRITE | IN_DELETE |
                                   IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    sd_event_source* source = nullptr;
    const int result = sd_event_add_inotify(loop_, &source, folder.c_str(), mask, on_inotify, this);
    folder_watch_.reset(source);
    if (result < 0) {
        log::warning("tray", "cannot watch " + folder.string() + ": a service that starts later is not seen");
    }
}

int ServiceLink::on_inotify(sd_event_source* /*source*/, const inotify_event* event, void* self) {
    ServiceLink& link = link_of(self);
    return guarded([&] {
        if ((event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)) != 0) {
            link.watch_folder();
            link.look_soon();
        } else if (concerns_service(*event, link.socket_)) {
            link.look_soon();
        }
    });
}

void ServiceLink::look_soon() {
    step_ = 0;
    if (!feed_) {
        look();
    }
}

void ServiceLink::look() {
    if (feed_) {
        return;
    }
    timer_.reset();
    const protocol::Sighting seen = protocol::look_at_service(socket_);
    switch (seen.listener) {
    case protocol::Listener::service:
        if (!is_ending(seen)) {
            connect(seen);
            return;
        }
        report(ServicePhase::starting);
        look_again_later();
        return;
    case protocol::Listener::asleep:
        report(ServicePhase::asleep);
        break;
    case protocol::Listener::none:
        report(ServicePhase::not_running);
        break;
    }
    if (step_ < pauses.size()) {
        look_again_later();
    }
}

void ServiceLink::look_again_later() {
    const milliseconds pause = step_ < pauses.size() ? pauses[step_] : longest_pause;
    step_ += step_ < pauses.size() ? 1 : 0;
    const auto usec = static_cast<std::uint64_t>(std::chrono::microseconds(pause).count());
    sd_event_source* source = nullptr;
    check(sd_event_add_time_relative(loop_, &source, CLOCK_MONOTONIC, usec, 0, on_timer, this),
          "setting a timer");
    timer_.reset(source);
}

int ServiceLink::on_timer(sd_event_source* /*source*/, std::uint64_t /*usec*/, void* self) {
    return guarded([self] { link_of(self).look(); });
}

bool ServiceLink::is_ending(const protocol::Sighting& seen) const {
    return seen.pid != 0 && seen.pid == ended_pid_ && std::chrono::steady_clock::now() < ending_until_;
}

void ServiceLink::connect(const protocol::Sighting& seen) {
    reported_.reset();
    connected_pid_ = seen.pid;
    feed_ = std::make_unique<Feed>(socket_, mailbox_, [this](std::string why) {
        {
            const std::lock_guard lock(why_mutex_);
            why_ended_ = std::move(why);
        }
        ::eventfd_write(ended_.get(), 1);
    });
}

int ServiceLink::on_feed_ended(sd_event_source* /*source*/, int fd, std::uint32_t /*events*/, void* self) {
    eventfd_t count = 0;
    ::eventfd_read(fd, &count);
    return guarded([self] { link_of(self).connection_ended(); });
}

void ServiceLink::connection_ended() {
    if (feed_->was_connected()) {
        step_ = 0;
        ended_pid_ = connected_pid_;
        ending_until_ = std::chrono::steady_clock::now() + ending_takes;
    }
    feed_.reset();
    std::string why;
    {
        const std::lock_guard lock(why_mutex_);
        why = std::exchange(why_ended_, {});
    }
    log::info("tray", "the connection to the service ended: " + why);
    const protocol::Sighting seen = protocol::look_at_service(socket_);
    if (seen.listener == protocol::Listener::service &&
        !is_ending(seen)) { // it runs, and does not talk with us
        report(ServicePhase::starting);
        look_again_later();
        return;
    }
    look();
}

/// Says it once.
void ServiceLink::report(ServicePhase phase, std::string note) {
    if (reported_ && reported_->phase == phase && reported_->note == note) {
        return;
    }
    reported_ = PhaseChanged{phase, std::move(note)};
    mailbox_.post(*reported_);
}

} // namespace hearth::tray
