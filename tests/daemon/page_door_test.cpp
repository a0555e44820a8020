#include "daemon/page_door.hpp"

#include "base/error.hpp"
#include "daemon/http/listen_sockets.hpp"
#include "daemon/page_site.hpp"
#include "tests/base/expect_error.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace hearth::daemon {
namespace {

namespace asio = boost::asio;
using hearth::testing::expect_error;

/// An hour goes by at each look.
class HastyClock final : public Clock {
  public:
    WallTime now() const override { return {}; }
    std::chrono::steady_clock::time_point steady_now() const override { return time_ += step; }
    std::chrono::nanoseconds step{};

  private:
    mutable std::chrono::steady_clock::time_point time_{};
};

/// The door without its server: what it asked of it.
class PageDoorTest : public ::testing::Test {
  protected:
    PageDoorSeams seams() {
        return {.listen = [this] { return listen(); },
                .serve = [this](UniqueFd socket, http::Door&) { served_.push_back(std::move(socket)); },
                .close = [this](const http::Door& door) { return close(door); },
                .is_used =
                    [this](const http::Door&) {
                        ++looks_;
                        return false;
                    }};
    }
    asio::awaitable<UniqueFd> listen() {
        ++listened_;
        if (broken_) {
            throw Error(ErrorCode::address_taken, "no port is free");
        }
        co_return std::move(http::bind_tcp(http::parse_endpoint("127.0.0.1:0")).fd);
    }
    asio::awaitable<void> close(const http::Door&) {
        ++closed_;
        co_return;
    }
    template <class T> T wait(asio::awaitable<T> work) {
        auto done = asio::co_spawn(io_, std::move(work), asio::use_future);
        io_.restart();
        while (done.wait_for(std::chrono::seconds(0)) != std::future_status::ready && io_.run_one() > 0) {
        }
        return done.get();
    }
    /// Runs what the door does by itself, until it is closed.
    void run_until_closed() {
        io_.restart();
        while (door_.endpoint() && io_.run_one() > 0) {
        }
    }
    ~PageDoorTest() override { wait(door_.stop()); }

    asio::io_context io_{1};
    HastyClock clock_;
    int listened_ = 0;
    int closed_ = 0;
    int looks_ = 0;
    bool broken_ = false;
    std::vector<UniqueFd> served_;
    PageDoor door_{io_.get_executor(), page_site(), seams(), clock_};
};

TEST_F(PageDoorTest, IsClosedUntilSomebodyAsks) {
    EXPECT_FALSE(door_.endpoint());
    EXPECT_EQ(listened_, 0);
}

TEST_F(PageDoorTest, GivesALinkWhoseTicketIsInTheFragment) {
    const PageLink link = wait(door_.open());
    EXPECT_EQ(link.address, "http://" + http::endpoint_text(*door_.endpoint()) + "/");
    EXPECT_TRUE(link.address.starts_with("http://127.0.0.1:")) << link.address;
    EXPECT_TRUE(link.url.starts_with(link.address + "#t=")) << link.url;
    EXPECT_EQ(link.url.size(), link.address.size() + 3 + 43);
}

TEST_F(PageDoorTest, OpensOnceForManyLinks) {
    const PageLink one = wait(door_.open());
    const PageLink other = wait(door_.open());
    EXPECT_EQ(one.address, other.address);
    EXPECT_NE(one.url, other.url);
    EXPECT_EQ(listened_, 1);
    EXPECT_EQ(served_.size(), 1u);
}

TEST_F(PageDoorTest, TellsWhyItCannotOpenAndTriesAgain) {
    broken_ = true;
    expect_error(ErrorCode::address_taken, [&] { wait(door_.open()); });
    EXPECT_FALSE(door_.endpoint());
    broken_ = false;
    EXPECT_FALSE(wait(door_.open()).url.empty());
}

TEST_F(PageDoorTest, ClosesWhenNobodyCame) {
    wait(door_.open(std::chrono::seconds(1)));
    clock_.step = std::chrono::hours(1);
    run_until_closed();
    EXPECT_EQ(closed_, 1);
    EXPECT_FALSE(wait(door_.open(std::chrono::seconds(1))).url.empty()) << "and opens again";
    EXPECT_EQ(listened_, 2);
}

TEST_F(PageDoorTest, StaysOpenForALinkThatIsStillGood) {
    wait(door_.open(std::chrono::seconds(1)));
    io_.restart();
    while (looks_ < 3 && io_.run_one() > 0) { // the clock stands
    }
    EXPECT_EQ(looks_, 3);
    EXPECT_TRUE(door_.endpoint());
    EXPECT_EQ(closed_, 0);
}

TEST(PageSite, HasThePageAndItsParts) {
    const http::Site site = page_site();
    for (const PageFile& file : page_files()) {
        EXPECT_NE(site.routes.find("GET", file.path).route, nullptr) << file.path;
        EXPECT_FALSE(file.text.empty()) << file.path;
        EXPECT_TRUE(file.type.starts_with("text/") || file.type == "image/svg+xml") << file.type;
    }
    const auto page = std::ranges::find(page_files(), "/", &PageFile::path);
    ASSERT_NE(page, page_files().end());
    EXPECT_TRUE(page->text.starts_with("<!doctype html>"));
    EXPECT_EQ(page->type, "text/html; charset=utf-8");
    EXPECT_TRUE(page->text.ends_with("</html>\n")) << "whole";
}

TEST(PageSite, WeighsNoMoreThanSixtyKilobytes) {
    std::size_t bytes = 0;
    for (const PageFile& file : page_files()) {
        bytes += file.text.size();
    }
    EXPECT_LE(bytes, 60'000u);
}

TEST(PageSite, LoadsNothingFromElsewhereAndHasNoScriptsOrStylesInItsText) {
    for (const PageFile& file : page_files()) {
        for (const char* bad :
             {"//cdn", "src=\"http", "href=\"http", "url(http", "@import", "innerHTML", "outerHTML",
              "insertAdjacentHTML", "document.write", "eval(", "new Function", " style=\"", " onclick=\""}) {
            EXPECT_EQ(file.text.find(bad), std::string_view::npos) << bad << " in " << file.path;
        }
    }
}

} // namespace
} // namespace hearth::daemon
