#include "protocol/client.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/temporary_dir.hpp"
#include "tests/protocol/fake_service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <latch>
#include <unistd.h>

namespace hearth::protocol {
namespace {

using hearth::testing::expect_error;
using hearth::testing::FakeExchange;
using ::testing::ElementsAre;

class ClientTest : public ::testing::Test {
  protected:
    std::vector<std::string> lines(const Client& client) {
        ClientRequest request;
        request.target = "/stream";
        std::vector<std::string> seen;
        client.stream_lines(request, [&](const Json& value) { seen.push_back(to_text(value)); });
        return seen;
    }

    hearth::testing::TemporaryDir dir_;
    hearth::testing::FakeService service_{dir_.path() / "api.sock"};
    Client client_{service_.socket()};
};

TEST_F(ClientTest, SendsABodyAndReadsAnAnswer) {
    service_.on("POST /x", 200, R"({"answer":42})");
    EXPECT_EQ(client_.post("/x", Json{{"question", "?"}})["answer"], 42);
    EXPECT_EQ(service_.last_body("POST /x"), R"({"question":"?"})");
}

TEST_F(ClientTest, ReadsAnAnswerThatEndsWithTheConnection) {
    service_.on("GET /x",
                [](const FakeExchange& exchange) { exchange.send("HTTP/1.1 200 OK\r\n\r\n[1,2]"); });
    EXPECT_EQ(client_.get("/x").size(), 2u);
}

TEST_F(ClientTest, ReadsAHeadThatComesByteForByte) {
    service_.on("GET /x", [](const FakeExchange& exchange) {
        for (const char c :
             std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\n0\r\n\r\n")) {
            exchange.send(std::string(1, c));
        }
    });
    EXPECT_EQ(client_.get("/x").size(), 1u);
}

TEST_F(ClientTest, ThrowsTheErrorOfAnAnswer) {
    service_.on("GET /x", 507, R"({"error":"too big","code":"memory.insufficient","hint":"take q4"})");
    EXPECT_EQ(expect_error(ErrorCode::memory_insufficient, [&] { client_.get("/x"); }), "too big");
    expect_error(ErrorCode::route_not_found, [&] { client_.get("/absent"); });
}

TEST_F(ClientTest, StreamsLinesWhateverTheChunks) {
    service_.on("GET /stream", [](const FakeExchange& exchange) {
        exchange.begin_chunks();
        for (const char* piece : {"{\"a\":", "1}\n{\"a\"", ":2}\n", "{\"a\":3}"}) {
            exchange.chunk(piece);
        }
        exchange.end_chunks();
    });
    EXPECT_THAT(lines(client_), ElementsAre(R"({"a":1})", R"({"a":2})", R"({"a":3})"));
}

TEST_F(ClientTest, ThrowsAnErrorLineOfAStreamAfterWhatCameBefore) {
    service_.on_lines("GET /stream", {R"({"a":1})", R"({"error":"lost","code":"runner.lost"})"});
    int seen = 0;
    ClientRequest request;
    request.target = "/stream";
    const auto count = [&](const Json&) { ++seen; };
    expect_error(ErrorCode::runner_lost, [&] { client_.stream_lines(request, count); });
    EXPECT_EQ(seen, 1);
}

TEST_F(ClientTest, StreamsServerSentEvents) {
    service_.on("GET /events", [](const FakeExchange& exchange) {
        exchange.begin_chunks();
        exchange.chunk(sse_event("1", "loaded") + "data: ");
        exchange.chunk("2\n\n");
        exchange.end_chunks();
    });
    ClientRequest request;
    request.target = "/events";
    std::vector<std::string> seen;
    client_.stream_events(request, [&](const SseEvent& event) { seen.push_back(event.event + event.data); });
    EXPECT_THAT(seen, ElementsAre("loaded1", "message2"));
}

TEST_F(ClientTest, CallsAnAnswerThatBreaksOffUnreachable) {
    service_.on("GET /stream", [](const FakeExchange& exchange) {
        exchange.begin_chunks();
        exchange.chunk("{\"a\":1}\n");
    });
    expect_error(ErrorCode::daemon_unreachable, [&] { lines(client_); });
    service_.on("GET /x", [](const FakeExchange& exchange) { exchange.send("HTTP/1.1 200"); });
    expect_error(ErrorCode::daemon_unreachable, [&] { client_.get("/x"); });
    service_.on("GET /nothing", [](const FakeExchange&) {});
    expect_error(ErrorCode::daemon_unreachable, [&] { client_.get("/nothing"); });
}

TEST_F(ClientTest, RefusesWhatIsNeitherHttpNorJson) {
    service_.on("GET /x", [](const FakeExchange& exchange) { exchange.send("SSH-2.0-OpenSSH\r\n\r\n"); });
    expect_error(ErrorCode::protocol, [&] { client_.get("/x"); });
    service_.on("GET /y", 200, "{");
    expect_error(ErrorCode::protocol, [&] { client_.get("/y"); });
}

TEST_F(ClientTest, SaysThatNobodyListens) {
    const Client absent(dir_.path() / "absent.sock");
    expect_error(ErrorCode::daemon_unreachable, [&] { absent.get("/"); });
    const Client too_long(dir_.path() / std::string(200, 'x'));
    expect_error(ErrorCode::invalid_argument, [&] { too_long.get("/"); });
}

TEST_F(ClientTest, GivesUpAtItsTimeLimit) {
    service_.on("GET /x", [](const FakeExchange& exchange) { exchange.wait_for_hangup(); });
    ClientRequest request;
    request.target = "/x";
    request.limit = std::chrono::milliseconds(10);
    expect_error(ErrorCode::timeout, [&] { client_.ask(request); });
}

TEST_F(ClientTest, ClosesTheConnectionWhenItIsInterrupted) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    const UniqueFd read_end(ends[0]);
    const UniqueFd write_end(ends[1]);
    std::latch hung_up(1);
    service_.on("GET /stream", [&](const FakeExchange& exchange) {
        exchange.begin_chunks();
        exchange.chunk("{\"a\":1}\n");
        exchange.wait_for_hangup();
        hung_up.count_down();
    });
    const Client client(service_.socket(), read_end.get());
    ClientRequest request;
    request.target = "/stream";
    const auto interrupt = [&](const Json&) { EXPECT_EQ(::write(write_end.get(), "!", 1), 1); };
    expect_error(ErrorCode::cancelled, [&] { client.stream_lines(request, interrupt); });
    hung_up.wait();
}

} // namespace
} // namespace hearth::protocol
