#include "daemon/page_sessions.hpp"

#include <gtest/gtest.h>

namespace hearth::daemon {
namespace {

class SetClock final : public Clock {
  public:
    WallTime now() const override { return {}; }
    std::chrono::steady_clock::time_point steady_now() const override { return time; }
    std::chrono::steady_clock::time_point time{std::chrono::hours(1)};
};

class PageSessionsTest : public ::testing::Test {
  protected:
    SetClock clock_;
    PageSessions sessions_{clock_};
};

TEST_F(PageSessionsTest, GiveAPageAllRightsForItsTicket) {
    const std::string ticket = sessions_.issue_ticket();
    const auto token = sessions_.redeem(ticket);
    ASSERT_TRUE(token);
    EXPECT_TRUE(token->starts_with("hearth_page_")) << *token;
    EXPECT_EQ(token->size(), std::string("hearth_page_").size() + 43);
    const auto holder = sessions_.check(*token);
    ASSERT_TRUE(holder);
    EXPECT_EQ(holder->name, "hearth page");
    EXPECT_EQ(holder->access, http::Access::full);
    EXPECT_TRUE(holder->id.starts_with("page-"));
}

TEST_F(PageSessionsTest, TakeATicketOnce) {
    const std::string ticket = sessions_.issue_ticket();
    const auto token = sessions_.redeem(ticket);
    EXPECT_FALSE(sessions_.redeem(ticket));
    EXPECT_TRUE(sessions_.check(*token));
}

TEST_F(PageSessionsTest, TakeATicketForAMinute) {
    const std::string soon = sessions_.issue_ticket();
    const std::string late = sessions_.issue_ticket();
    clock_.time += PageSessions::ticket_lifetime - std::chrono::nanoseconds(1);
    EXPECT_TRUE(sessions_.redeem(soon));
    clock_.time += std::chrono::nanoseconds(1);
    EXPECT_FALSE(sessions_.redeem(late));
}

TEST_F(PageSessionsTest, TakeNothingElseForATicketOrAToken) {
    const std::string ticket = sessions_.issue_ticket();
    const auto token = sessions_.redeem(sessions_.issue_ticket());
    for (const std::string& wrong :
         {std::string(), ticket.substr(1), ticket + "x", *token, std::string(100'000, 'a')}) {
        EXPECT_FALSE(sessions_.redeem(wrong)) << wrong.substr(0, 60);
        EXPECT_EQ(sessions_.check(wrong).has_value(), wrong == *token) << wrong.substr(0, 60);
    }
    EXPECT_FALSE(sessions_.check(ticket)) << "a ticket is no token";
}

TEST_F(PageSessionsTest, KeepTheLatestSixteenTickets) {
    const std::string first = sessions_.issue_ticket();
    const std::string second = sessions_.issue_ticket();
    for (int i = 0; i < 15; ++i) {
        sessions_.issue_ticket();
    }
    EXPECT_FALSE(sessions_.redeem(first));
    EXPECT_TRUE(sessions_.redeem(second));
}

TEST_F(PageSessionsTest, AreAwaitedWhileSomebodyMayComeIn) {
    EXPECT_FALSE(sessions_.is_awaited());
    const std::string ticket = sessions_.issue_ticket();
    EXPECT_TRUE(sessions_.is_awaited());
    clock_.time += PageSessions::ticket_lifetime;
    EXPECT_FALSE(sessions_.is_awaited());
    const auto token = sessions_.redeem(sessions_.issue_ticket());
    clock_.time += std::chrono::hours(5);
    EXPECT_TRUE(sessions_.is_awaited()) << "a session";
    sessions_.clear();
    EXPECT_FALSE(sessions_.is_awaited());
    EXPECT_FALSE(sessions_.check(*token));
}

} // namespace
} // namespace hearth::daemon
