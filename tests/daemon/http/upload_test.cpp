#include "daemon/http/body_source.hpp"
#include "tests/daemon/http/http_fixture.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>

namespace hearth::daemon::http::testing {
namespace {

namespace asio = boost::asio;

class Upload : public HttpServer {
  protected:
    void start_with(UploadHandler handler) {
        router_.add(
            {"POST", "/up", Access::full, BodySize::json, nullptr, Served::everywhere, std::move(handler)});
        limits_.upload_bytes = 40u << 20;
        start();
    }
    static std::string head(std::size_t length) {
        return fmt::format("POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", length);
    }
};

asio::awaitable<void> count_bytes(Request, BodySource& body, ResponseWriter& out) {
    std::size_t total = 0;
    std::size_t largest = 0;
    for (std::string piece = co_await body.next(); !piece.empty(); piece = co_await body.next()) {
        total += piece.size();
        largest = std::max(largest, piece.size());
    }
    std::string text = fmt::format("{} {}", total, largest <= BodySource::piece_bytes + (64u << 10));
    co_await out.send_text(201, std::move(text));
}

TEST_F(Upload, ArrivesInPiecesThatNeverHoldTheWhole) {
    start_with(count_bytes);
    Client client = connect();
    client.send(head(20u << 20));
    for (int i = 0; i < 20; ++i) {
        client.send(std::string(1u << 20, 'x'));
    }
    const auto response = client.read_response();
    EXPECT_EQ(response.status, 201);
    EXPECT_EQ(response.body, "20971520 true");
}

TEST_F(Upload, ArrivesInChunksToo) {
    start_with(count_bytes);
    Client client = connect();
    client.send("POST /up HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    client.send("6\r\n world\r\n0\r\n\r\n");
    EXPECT_EQ(client.read_response().body, "11 true");
}

TEST_F(Upload, MayBeEmpty) {
    start_with(count_bytes);
    Client client = connect();
    client.send(head(0));
    EXPECT_EQ(client.read_response().body, "0 true");
}

TEST_F(Upload, IsAskedForOnlyWhenTheHandlerReads) {
    start_with(count_bytes);
    Client client = connect();
    client.send("POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_NE(client.read_until("\r\n\r\n").find("100 Continue"), std::string::npos);
    client.send("ok");
    EXPECT_EQ(client.read_response().body, "2 true");
}

TEST_F(Upload, ThatNobodyReadsEndsTheConnection) {
    start_with([](Request, BodySource&, ResponseWriter& out) -> asio::awaitable<void> {
        co_await out.send_text(200, "here already");
    });
    Client client = connect();
    client.send(head(100) + "GET /other HTTP/1.1\r\n");
    const auto response = client.read_response();
    EXPECT_EQ(response.status, 200);
    EXPECT_NE(response.head.find("Connection: close"), std::string::npos);
    EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(Upload, OverTheLimitIsRefusedBeforeItArrives) {
    start_with(count_bytes);
    Client client = connect();
    client.send(head(41u << 20));
    EXPECT_EQ(client.read_response().status, 413);
}

TEST_F(Upload, WithBrokenChunksIsABadRequest) {
    start_with(count_bytes);
    Client client = connect();
    client.send("POST /up HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    EXPECT_EQ(client.read_response().status, 400);
}

TEST_F(Upload, IsNotOpenOnTheSocketForInference) {
    start_with(count_bytes);
    Client client = connect(Access::infer);
    client.send(head(0));
    EXPECT_EQ(client.read_response().status, 403);
}

TEST_F(Upload, EndsItsHandlerWhenTheClientLeaves) {
    std::promise<void> ended;
    start_with([&ended](Request, BodySource& body, ResponseWriter&) -> asio::awaitable<void> {
        struct Mark {
            std::promise<void>& promise;
            ~Mark() { promise.set_value(); }
        } const mark{ended};
        while (!(co_await body.next()).empty()) {
        }
    });
    {
        Client client = connect();
        client.send(head(100) + "half");
    }
    EXPECT_EQ(ended.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

} // namespace
} // namespace hearth::daemon::http::testing
