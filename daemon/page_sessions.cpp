#include "daemon/page_sessions.hpp"

#include "base/sha256.hpp"
#include "daemon/secrets.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hearth::daemon {
namespace {

constexpr std::size_t most_tickets = 16;
constexpr std::size_t most_sessions = 64;
constexpr std::size_t text_limit_bytes = 256;
constexpr auto app_name = "hearth page"; // no token of an app can have a space in its name

/// All of them are compared: nothing shows how far it came.
template <class Rows> auto find_hash(Rows& rows, std::string_view text) {
    const std::string hash = text.size() <= text_limit_bytes ? sha256_of(text).hex() : std::string();
    auto found = rows.end();
    for (auto row = rows.begin(); row != rows.end(); ++row) {
        if (equal_in_constant_time(row->hash, hash)) {
            found = row;
        }
    }
    return found;
}

template <class Rows> void drop_oldest(Rows& rows, std::size_t most) {
    while (rows.size() > most) {
        rows.pop_front();
    }
}

} // namespace

std::string PageSessions::issue_ticket() {
    std::string ticket = random_secret();
    tickets_.push_back({sha256_of(ticket).hex(), clock_.steady_now() + ticket_lifetime});
    drop_oldest(tickets_, most_tickets);
    return ticket;
}

std::optional<std::string> PageSessions::redeem(std::string_view ticket) {
    const auto found = find_hash(tickets_, ticket);
    if (found == tickets_.end()) {
        return std::nullopt;
    }
    const bool valid = clock_.steady_now() < found->end;
    tickets_.erase(found);
    if (!valid) {
        return std::nullopt;
    }
    std::string token = fmt::format("{}page_{}", http::token_prefix, random_secret());
    sessions_.push_back({"page-" + random_id(), sha256_of(token).hex()});
    drop_oldest(sessions_, most_sessions);
    return token;
}

std::optional<http::TokenHolder> PageSessions::check(std::string_view token) const {
    const auto found = find_hash(sessions_, token);
    if (found == sessions_.end()) {
        return std::nullopt;
    }
    return http::TokenHolder{found->id, app_name, http::Access::full};
}

bool PageSessions::is_awaited() const {
    const auto now = clock_.steady_now();
    return !sessions_.empty() ||
           std::ranges::any_of(tickets_, [&](const Ticket& ticket) { return now < ticket.end; });
}

void PageSessions::clear() {
    tickets_.clear();
    sessions_.clear();
}

} // namespace hearth::daemon
