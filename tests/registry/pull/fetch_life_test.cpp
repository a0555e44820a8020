#include "base/error.hpp"
#include "tests/registry/pull/fetch_fixture.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <csignal>
#include <optional>
#include <string>

namespace hearth::registry::testing {
namespace {

TEST_F(FetchProcess, IsStartedOnDemandAndEndsWhenIdle) {
    ScriptedServer server(
        [](const ServerRequest&, ServerPeer& peer) { return peer.send(http_answer(200, "x")); });
    EXPECT_TRUE(children.empty());
    fetch(to(server.url())); // returns after the watcher saw the idle process off
    EXPECT_EQ(children.size(), 1u);
    EXPECT_FALSE(client.is_running());
    fetch(to(server.url()));
    EXPECT_EQ(children.size(), 2u);
}

TEST_F(FetchProcess, WhatIsAskedWhileTheIdleProcessEndsIsServedByAnother) {
    ScriptedServer server(
        [](const ServerRequest&, ServerPeer& peer) { return peer.send(http_answer(200, "x")); });
    FetchClient impatient(io.get_executor(), [this] { return start(); }, std::chrono::milliseconds(0));
    int served = 0;
    const auto one = [&](FetchRequest request) -> asio::awaitable<void> {
        const auto response = co_await impatient.get(std::move(request));
        served += (co_await response->read()).value() == "x" ? 1 : 0;
    };
    // Ends after any pause at all. The pauses go through the watcher's whole period, so that some requests come in the
    // moment of its decision and of the old process's end.
    const auto scenario = [&](FetchRequest request) -> asio::awaitable<void> {
        for (int pause = 0; pause < 20; ++pause) {
            co_await one(request);
            asio::steady_timer timer(io, std::chrono::microseconds(500 * pause));
            co_await timer.async_wait(asio::use_awaitable);
        }
    };
    run(scenario(to(server.url())));
    EXPECT_EQ(served, 20);
    EXPECT_GT(children.size(), 2u);
    EXPECT_FALSE(impatient.is_running());
}

TEST_F(FetchProcess, AKilledProcessFailsItsTransfersAndIsReplaced) {
    ScriptedServer server([](const ServerRequest& request, ServerPeer& peer) {
        if (request.target == "/ok") {
            return peer.send(http_answer(200, "fine"));
        }
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx");
        peer.wait_until_closed();
        return false;
    });
    std::optional<ErrorCode> code;
    std::string after;
    const auto scenario = [&](FetchRequest endless, FetchRequest fine) -> asio::awaitable<void> {
        const auto response = co_await client.get(std::move(endless));
        co_await response->read();
        children.at(0).signal(SIGKILL);
        try {
            co_await response->read();
        } catch (const Error& error) {
            code = error.code();
        }
        const auto second = co_await client.get(std::move(fine));
        after = (co_await second->read()).value();
    };
    run(scenario(to(server.url("/endless")), to(server.url("/ok"))));
    EXPECT_EQ(code, ErrorCode::registry_unreachable);
    EXPECT_EQ(after, "fine");
    EXPECT_EQ(children.size(), 2u);
}

} // namespace
} // namespace hearth::registry::testing
