#pragma once

#include "tray/dbus/bus.hpp"
#include "tray/dbus/host_link.hpp"
#include "tray/dbus/menu_service.hpp"
#include "tray/dbus/notifications.hpp"
#include "tray/dbus/status_item.hpp"
#include "tray/desktop/autostart.hpp"
#include "tray/desktop/opener.hpp"
#include "tray/model/state.hpp"
#include "tray/service/mailbox.hpp"
#include "tray/service/requests.hpp"
#include "tray/service/service_link.hpp"

#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

namespace hearth::tray {

/// The tray: builds the graph, and passes what happens from one part to the next: messages change the state, the state
/// is shown, what the user chooses is done. On the thread that runs `run`.
class App {
  public:
    /// @throws Error  backend_failed without a session bus
    explicit App(std::filesystem::path socket);
    App(const App&) = delete;

    /// Until the user quits, the session ends, or SIGTERM or SIGINT comes; at once when another tray of this session
    /// runs. @return the exit code @throws Error backend_failed
    int run();

  private:
    static int on_mail(sd_event_source* source, int fd, std::uint32_t events, void* self);
    static int on_signal(sd_event_source* source, const signalfd_siginfo* info, void* self);

    bool become_the_only_one();
    void watch_signals();
    void watch_mail();
    void take_mail();
    void show();
    void act(const Action& action);
    void act_on_desktop(const Action& action);
    void activate();
    void hand_page(std::string url);
    void open_pages();
    void toggle_autostart();

    std::filesystem::path socket_;
    Loop loop_;
    Bus bus_;
    State state_;
    Autostart autostart_;
    Opener opener_;
    Mailbox mailbox_;
    std::mutex pages_mutex_;
    std::vector<std::string> pages_; ///< under pages_mutex_: addresses that requests got
    StatusItem item_;
    MenuService menu_;
    HostLink host_;
    Notifications notifications_;
    Requests requests_;
    ServiceLink service_;
    Watch mail_;
    Watch term_;
    Watch interrupt_;
};

} // namespace hearth::tray
