#include "tests/base/expect_error.hpp"
#include "tests/registry/pull/fetch_fixture.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

namespace hearth::registry::testing {
namespace {

using hearth::testing::expect_error;

TEST_F(FetchProcess, BringsStatusHeadersAndBody) {
    std::string body(3'000'000, 'x');
    ScriptedServer server([&](const ServerRequest&, ServerPeer& peer) {
        return peer.send(http_answer(200, body, "ETag: \"v1\"\r\nX-Twice: a\r\nX-Twice: b\r\n"));
    });
    const Fetched got = fetch(to(server.url("/file")));
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.headers.at("etag"), "\"v1\"");
    EXPECT_EQ(got.headers.at("x-twice"), "a, b");
    EXPECT_TRUE(got.body == body);
    EXPECT_EQ(got.final_url, server.url("/file"));
}

TEST_F(FetchProcess, SendsWhatWasAskedAndNothingThatCompresses) {
    ScriptedServer server(
        [](const ServerRequest&, ServerPeer& peer) { return peer.send(http_answer(206, "x")); });
    FetchRequest request = to(server.url());
    request.accept = "application/json";
    request.range_from = 100;
    request.if_range = "\"v1\"";
    request.authorization = "Bearer abc";
    fetch(request);
    const auto headers = server.requests().at(0).headers;
    EXPECT_EQ(headers.at("accept"), "application/json");
    EXPECT_EQ(headers.at("range"), "bytes=100-");
    EXPECT_EQ(headers.at("if-range"), "\"v1\"");
    EXPECT_EQ(headers.at("authorization"), "Bearer abc");
    EXPECT_TRUE(headers.at("user-agent").starts_with("hearth/"));
    EXPECT_FALSE(headers.contains("accept-encoding"));
}

TEST_F(FetchProcess, AsksForSoManyBytesAndTakesNoMore) {
    std::atomic<int> status = 206;
    ScriptedServer server([&](const ServerRequest&, ServerPeer& peer) {
        if (status == 206) {
            return peer.send(http_answer(206, "0123456789"));
        }
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + std::string(5000, 'x'));
        peer.wait_until_closed(); // a client that waits for the end hangs here
        return false;
    });
    FetchRequest request = to(server.url());
    request.range_bytes = 10;
    EXPECT_EQ(fetch(request).body, "0123456789");
    EXPECT_EQ(server.requests().at(0).headers.at("range"), "bytes=0-9");
    request.range_from = 5;
    EXPECT_EQ(fetch(request).body, "0123456789");
    EXPECT_EQ(server.requests().at(1).headers.at("range"), "bytes=5-14");
    status = 200; // ignores the range: what lies before it comes too
    const Fetched whole = fetch(request);
    EXPECT_EQ(whole.status, 200);
    EXPECT_EQ(whole.body, std::string(15, 'x'));
}

TEST_F(FetchProcess, KeepsConnectionsForTheNextRequest) {
    ScriptedServer server(
        [](const ServerRequest&, ServerPeer& peer) { return peer.send(http_answer(200, "x")); });
    const auto five_times = [this](FetchRequest request) -> asio::awaitable<void> {
        for (int index = 0; index < 5; ++index) {
            Fetched ignored;
            co_await fetch_into(request, ignored);
        }
    };
    run(five_times(to(server.url())));
    EXPECT_EQ(server.requests().size(), 5u);
    EXPECT_EQ(server.connections(), 1);
}

TEST_F(FetchProcess, AsksForHeadersAlone) {
    ScriptedServer server([](const ServerRequest&, ServerPeer& peer) {
        return peer.send("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nETag: \"h\"\r\n\r\n");
    });
    FetchRequest request = to(server.url());
    request.head_only = true;
    const Fetched got = fetch(request);
    EXPECT_EQ(server.requests().at(0).method, "HEAD");
    EXPECT_EQ(got.headers.at("etag"), "\"h\"");
    EXPECT_EQ(got.body, "");
}

TEST_F(FetchProcess, StatusesAreAnswersNotErrors) {
    ScriptedServer server(
        [](const ServerRequest&, ServerPeer& peer) { return peer.send(http_answer(503, "later")); });
    const Fetched got = fetch(to(server.url()));
    EXPECT_EQ(got.status, 503);
    EXPECT_EQ(got.body, "later");
}

TEST_F(FetchProcess, NeverGivesCredentialsToASecondOrigin) {
    ScriptedServer second(
        [](const ServerRequest&, ServerPeer& peer) { return peer.send(http_answer(200, "blob")); });
    ScriptedServer first([&](const ServerRequest& request, ServerPeer& peer) {
        const std::string location = request.target == "/start" ? "/moved" : second.url("/cdn");
        return peer.send(http_answer(307, "gone", "Location: " + location + "\r\n"));
    });
    FetchRequest request = to(first.url("/start"));
    request.authorization = "Bearer secret";
    const Fetched got = fetch(request);
    EXPECT_EQ(got.body, "blob");
    EXPECT_EQ(got.final_url, second.url("/cdn"));
    EXPECT_TRUE(first.requests().at(1).headers.contains("authorization")) << "a relative redirect keeps it";
    EXPECT_FALSE(second.requests().at(0).headers.contains("authorization"));
}

TEST_F(FetchProcess, FollowsFiveRedirectsAndNoMore) {
    ScriptedServer server([](const ServerRequest& request, ServerPeer& peer) {
        const int left = std::stoi(request.target.substr(1));
        return peer.send(left == 0 ? http_answer(200, "end")
                                   : http_answer(302, "", "Location: /" + std::to_string(left - 1) + "\r\n"));
    });
    EXPECT_EQ(fetch(to(server.url("/5"))).body, "end");
    expect_error(ErrorCode::registry_failed, [&] { fetch(to(server.url("/6"))); });
}

TEST_F(FetchProcess, RefusesRedirectsOutOfThePublicInternetAndOtherSchemes) {
    const std::vector<std::string> locations = {
        "file:///etc/passwd", "gopher://127.0.0.1/",   "http://169.254.169.254/latest/",
        "https://10.0.0.1/",  "http://registry.test/", "https://user@host.test/",
        "ftp://127.0.0.1/"};
    ScriptedServer server([&](const ServerRequest& request, ServerPeer& peer) {
        const std::string& location = locations.at(std::stoul(request.target.substr(1)));
        return peer.send(http_answer(302, "", "Location: " + location + "\r\n"));
    });
    for (std::size_t index = 0; index < locations.size(); ++index) {
        SCOPED_TRACE(locations[index]);
        expect_error(ErrorCode::network_forbidden,
                     [&] { fetch(to(server.url("/" + std::to_string(index)))); });
    }
}

TEST_F(FetchProcess, RefusesAServersOwnUrlToThisMachine) {
    ScriptedServer server(
        [](const ServerRequest&, ServerPeer& peer) { return peer.send(http_answer(200, "internal")); });
    FetchRequest request = to(server.url());
    request.reach = Reach::public_only;
    expect_error(ErrorCode::network_forbidden, [&] { fetch(request); });
    EXPECT_EQ(server.connections(), 0);
}

TEST_F(FetchProcess, CutsABodyAtItsLimit) {
    ScriptedServer server([](const ServerRequest& request, ServerPeer& peer) {
        if (request.target == "/announced") {
            return peer.send(http_answer(200, std::string(5000, 'x')));
        }
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        while (peer.send("400\r\n" + std::string(1024, 'x') + "\r\n")) { // without end
        }
        return false;
    });
    for (const char* path : {"/announced", "/endless"}) {
        FetchRequest request = to(server.url(path));
        request.max_bytes = 4096;
        expect_error(ErrorCode::too_large, [&] { fetch(request); });
    }
}

TEST_F(FetchProcess, BrokenAnswersAreUnreachableRegistries) {
    ScriptedServer server([](const ServerRequest& request, ServerPeer& peer) {
        if (request.target == "/short") {
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
        } else if (request.target == "/header") {
            peer.send("HTTP/1.1 200 O");
        } else if (request.target == "/headers") {
            peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Le");
        } else if (request.target == "/chunk") {
            peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n");
        } else if (request.target == "/garbage") {
            peer.send("SSH-2.0-OpenSSH\r\n\r\n");
        }
        return false;
    });
    for (const char* path : {"/short", "/header", "/headers", "/chunk", "/garbage", "/nothing"}) {
        SCOPED_TRACE(path);
        expect_error(ErrorCode::registry_unreachable, [&] { fetch(to(server.url(path))); });
    }
}

TEST_F(FetchProcess, EndlessHeadersAreRefused) {
    ScriptedServer server([](const ServerRequest&, ServerPeer& peer) {
        peer.send("HTTP/1.1 200 OK\r\n");
        int number = 0;
        while (peer.send("X-" + std::to_string(++number) + ": " + std::string(500, 'x') + "\r\n")) {
        }
        return false;
    });
    expect_error(ErrorCode::registry_failed, [&] { fetch(to(server.url())); });
}

TEST_F(FetchProcess, AServerThatFallsSilentIsGivenUp) {
    ScriptedServer server([](const ServerRequest&, ServerPeer& peer) {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx");
        peer.wait_until_closed();
        return false;
    });
    FetchRequest request = to(server.url());
    request.stall_timeout = std::chrono::milliseconds(300);
    const std::string text = expect_error(ErrorCode::registry_unreachable, [&] { fetch(request); });
    EXPECT_NE(text.find("stopped sending"), std::string::npos) << text;
}

TEST_F(FetchProcess, ARefusedConnectionNamesTheHostNotTheQuery) {
    int port = 0;
    {
        ScriptedServer gone([](const ServerRequest&, ServerPeer&) { return false; });
        port = std::stoi(gone.url().substr(17));
    }
    const std::string text = expect_error(ErrorCode::registry_unreachable, [&] {
        fetch(to("http://127.0.0.1:" + std::to_string(port) + "/x?signature=secret"));
    });
    EXPECT_NE(text.find("127.0.0.1:" + std::to_string(port)), std::string::npos) << text;
    EXPECT_EQ(text.find("secret"), std::string::npos) << text;
}

TEST_F(FetchProcess, AHeaderValueCannotStartAnother) {
    ScriptedServer server(
        [](const ServerRequest&, ServerPeer& peer) { return peer.send(http_answer(200, "x")); });
    FetchRequest request = to(server.url());
    request.authorization = "Bearer a\r\nX-Evil: b";
    expect_error(ErrorCode::invalid_argument, [&] { fetch(request); });
}

TEST_F(FetchProcess, AResponseThatIsDroppedEndsItsTransfer) {
    std::atomic<bool> ended = false;
    ScriptedServer server([&](const ServerRequest&, ServerPeer& peer) {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
        while (peer.send(std::string(100'000, 'x'))) {
        }
        ended = true;
        return false;
    });
    const auto drop = [](FetchClient& fetcher, FetchRequest request) -> asio::awaitable<void> {
        const auto response = co_await fetcher.get(std::move(request));
        co_await response->read();
    };
    run(drop(client, to(server.url())));
    EXPECT_TRUE(ended) << "run() returns when the idle process has ended, and with it the connection";
}

TEST_F(FetchProcess, ASlowReaderHoldsTheServerBack) {
    std::atomic<std::uint64_t> sent = 0;
    ScriptedServer server([&](const ServerRequest&, ServerPeer& peer) {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
        while (peer.send(std::string(100'000, 'x'))) {
            sent += 100'000;
        }
        return false;
    });
    const auto read_once = [&](FetchClient& fetcher, FetchRequest request) -> asio::awaitable<void> {
        const auto response = co_await fetcher.get(std::move(request));
        co_await response->read();
        // Until the counter stands still, the kernel's buffers fill; they are bounded, the body is not.
        std::uint64_t before = 1;
        while (before != sent) {
            before = sent;
            asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(200));
            co_await timer.async_wait(asio::use_awaitable);
        }
    };
    run(read_once(client, to(server.url())));
    EXPECT_LT(sent, 32'000'000u);
}

} // namespace
} // namespace hearth::registry::testing
