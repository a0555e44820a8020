#pragma once

#include "base/unique_fd.hpp"
#include "tray/model/menu.hpp"
#include "tray/service/mailbox.hpp"

#include <atomic>
#include <filesystem>
#include <functional>
#include <list>
#include <string>
#include <thread>

namespace hearth::tray {

/// "Loading small:latest": what an action that asks the service does.
std::string describe(const Action& action);

/// What the user chose, as requests to the service, each on a thread of its own: a load may take minutes. What fails is
/// posted as ActionFailed, and what a success changes as new lists. On the event loop's thread.
class Requests {
  public:
    /// @param open_page  called on a request's thread with the address of the page
    Requests(std::filesystem::path socket, Mailbox& mailbox, std::function<void(std::string)> open_page);
    /// Interrupts what runs and waits for it. A load that the service has begun goes on there.
    ~Requests();
    Requests(const Requests&) = delete;

    /// Starts an action that asks or starts the service; one of the desktop's is not for us.
    void begin(const Action& action);

  private:
    struct Running {
        std::atomic<bool> done = false;
        std::thread thread;
    };

    void perform(const Action& action);
    void do_it(const Action& action);
    void open_page();
    void start_service();
    void change(const char* method, const Action& action);
    void forget_finished();

    std::filesystem::path socket_;
    Mailbox& mailbox_;
    std::function<void(std::string)> open_page_;
    UniqueFd interrupt_;
    std::list<Running> running_;
};

} // namespace hearth::tray
