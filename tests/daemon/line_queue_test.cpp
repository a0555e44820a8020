#include "daemon/line_queue.hpp"

#include "daemon/event_bus.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

namespace hearth::daemon {
namespace {

/// Everything the queue gives until it is closed and empty.
std::vector<Json> drain(boost::asio::io_context& io, LineQueue& queue) {
    auto read = [&queue]() -> boost::asio::awaitable<std::vector<Json>> {
        std::vector<Json> lines;
        while (auto line = co_await queue.next()) {
            lines.push_back(std::move(*line));
        }
        co_return lines;
    };
    auto lines = boost::asio::co_spawn(io, read, boost::asio::use_future);
    io.restart();
    io.run();
    return lines.get();
}

TEST(LineQueue, KeepsTheNewestLineOfAKeyInItsPlace) {
    boost::asio::io_context io;
    LineQueue queue(io.get_executor());
    queue.push(1, "a");
    queue.push(2);
    queue.push(3, "a");
    queue.push(4);
    queue.close();
    EXPECT_EQ(drain(io, queue), (std::vector<Json>{3, 2, 4}));
}

TEST(LineQueue, ForgetsTheOldestWhenNobodyReads) {
    boost::asio::io_context io;
    LineQueue queue(io.get_executor(), 2);
    queue.push(1);
    queue.push(2);
    queue.push(3);
    queue.close();
    EXPECT_EQ(drain(io, queue), (std::vector<Json>{2, 3}));
}

TEST(LineQueue, WakesAReaderThatWaits) {
    boost::asio::io_context io;
    LineQueue queue(io.get_executor());
    auto read = [&queue]() -> boost::asio::awaitable<Json> { co_return (co_await queue.next()).value(); };
    auto line = boost::asio::co_spawn(io, read, boost::asio::use_future);
    io.poll();
    queue.push("news");
    io.run();
    EXPECT_EQ(line.get(), "news");
}

TEST(EventBus, TellsEveryoneWhoListens) {
    boost::asio::io_context io;
    EventBus bus;
    bus.publish("early", Json::object());
    const auto one = bus.subscribe(io.get_executor());
    auto two = bus.subscribe(io.get_executor());
    bus.publish("first", {{"a", 1}});
    two.reset();
    bus.publish("second", Json::object());
    bus.close();
    const std::vector<Json> lines = drain(io, *one);
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_EQ(lines[0], Json::parse(R"({"type": "first", "a": 1})"));
    EXPECT_TRUE(drain(io, *bus.subscribe(io.get_executor())).empty());
}

} // namespace
} // namespace hearth::daemon
