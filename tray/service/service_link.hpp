#pragma once

#include "base/unique_fd.hpp"
#include "protocol/sighting.hpp"
#include "tray/dbus/bus.hpp"
#include "tray/service/feed.hpp"
#include "tray/service/mailbox.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <sys/types.h>

namespace hearth::tray {

/// Finds the service, follows it, and finds it again, without ever starting it. Nothing is asked while nothing happens:
/// the folder of the socket is watched by inotify, and a connection says by itself when it ends. On the event loop's
/// thread; ends before the loop and the mailbox.
class ServiceLink {
  public:
    ServiceLink(sd_event* loop, std::filesystem::path socket, Mailbox& mailbox);
    ~ServiceLink();
    ServiceLink(const ServiceLink&) = delete;

    /// Looks for the service, and goes on to. @throws Error internal
    void start();
    /// Looks again, and for a while more often: somebody has just started the service.
    void look_soon();

  private:
    static int on_inotify(sd_event_source* source, const inotify_event* event, void* self);
    static int on_timer(sd_event_source* source, std::uint64_t usec, void* self);
    static int on_feed_ended(sd_event_source* source, int fd, std::uint32_t events, void* self);

    void watch_folder();
    void look();
    void look_again_later();
    void connect(const protocol::Sighting& seen);
    bool is_ending(const protocol::Sighting& seen) const;
    void connection_ended();
    void report(ServicePhase phase, std::string note = {});

    sd_event* loop_;
    std::filesystem::path socket_;
    Mailbox& mailbox_;
    UniqueFd ended_; ///< written by the feed's thread
    std::mutex why_mutex_;
    std::string why_ended_; ///< under why_mutex_
    std::unique_ptr<Feed> feed_;
    std::optional<PhaseChanged> reported_; ///< while there is no feed
    std::size_t step_ = 0;                 ///< into the pauses between looks
    pid_t connected_pid_ = 0;
    pid_t ended_pid_ = 0; ///< of the service that closed our last connection
    std::chrono::steady_clock::time_point ending_until_;
    Watch folder_watch_;
    Watch feed_watch_;
    Watch timer_;
};

} // namespace hearth::tray
