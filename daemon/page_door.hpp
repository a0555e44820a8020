#pragma once

#include "base/async/event.hpp"
#include "base/async/task_group.hpp"
#include "base/unique_fd.hpp"
#include "daemon/http/door.hpp"
#include "daemon/http/site.hpp"
#include "daemon/page_sessions.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hearth::daemon {

/// What the page's door needs of the rest of the service.
struct PageDoorSeams {
    std::function<boost::asio::awaitable<UniqueFd>()> listen; ///< a socket that listens on 127.0.0.1
    std::function<void(UniqueFd, http::Door&)> serve;
    std::function<boost::asio::awaitable<void>(const http::Door&)> close;
    std::function<bool(const http::Door&)> is_used; ///< whether a page is connected
};

/// Where the page is, for one browser.
struct PageLink {
    std::string address; ///< "http://127.0.0.1:40123/"
    std::string url;     ///< with the ticket in its fragment, which browsers do not send
};

/// The page's own way in: a TCP door on 127.0.0.1 that opens when somebody asks for the page, serves its files to
/// this user's programs and the API to pages that came by a link, and closes when no page is connected for a while.
/// On the io executor. `stop` is awaited before the server that it serves by stops; destroyed after that server.
class PageDoor {
  public:
    /// @param files  of the page; the door adds how a page gets its token
    PageDoor(boost::asio::any_io_executor executor, http::Site files, PageDoorSeams seams,
             const Clock& clock = system_clock());
    ~PageDoor();
    PageDoor(const PageDoor&) = delete;

    static constexpr std::chrono::seconds usual_patience{900};

    /// Opens the door when it is closed. @param patience  how long it stays open without a page; the last one that
    /// was asked for counts
    /// @throws Error  what `listen` throws
    boost::asio::awaitable<PageLink> open(std::chrono::seconds patience = usual_patience);
    /// Where it is open, for `status`.
    std::optional<http::Endpoint> endpoint() const;
    boost::asio::awaitable<void> stop();

  private:
    boost::asio::awaitable<void> exchange(http::Request request, http::ResponseWriter& out);
    boost::asio::awaitable<void> open_door();
    boost::asio::awaitable<void> close_when_unused();
    std::chrono::steady_clock::duration look_interval() const;

    PageDoorSeams seams_;
    const Clock& clock_;
    http::Site site_;
    PageSessions sessions_;
    std::chrono::seconds patience_ = usual_patience;
    bool opening_ = false;
    AsyncEvent opened_;
    std::unique_ptr<http::Door> door_;                 // null: closed
    std::vector<std::unique_ptr<http::Door>> closing_; // clients of theirs may still be leaving
    TaskGroup tasks_;
};

} // namespace hearth::daemon
