#pragma once

#include "base/time.hpp"
#include "daemon/http/door.hpp"

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::daemon {

/// Who may use the page: links that were given out, each good once and for a minute, and the tokens that pages got
/// for them. In memory alone, as hashes; a value of the page's door, on the io executor.
class PageSessions {
  public:
    explicit PageSessions(const Clock& clock = system_clock()) : clock_(clock) {}

    static constexpr std::chrono::seconds ticket_lifetime{60};

    /// What a link carries. @throws Error internal
    std::string issue_ticket();
    /// The token of a new session: `hearth_page_` and 43 characters. Nothing for a ticket that is unknown, too old,
    /// or was redeemed before.
    std::optional<std::string> redeem(std::string_view ticket);
    std::optional<http::TokenHolder> check(std::string_view token) const;

    /// Whether somebody may still come in: a session, or a ticket that is not too old.
    bool is_awaited() const;
    void clear();

  private:
    struct Ticket {
        std::string hash;
        std::chrono::steady_clock::time_point end;
    };
    struct PageSession {
        std::string id;
        std::string hash;
    };

    const Clock& clock_;
    std::deque<Ticket> tickets_;       // the oldest first
    std::deque<PageSession> sessions_; // the oldest first
};

} // namespace hearth::daemon
