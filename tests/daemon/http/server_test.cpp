#include "tests/daemon/http/http_fixture.hpp"

#include "base/async/event.hpp"
#include "base/error.hpp"
#include "daemon/http/request.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <nlohmann/json.hpp>

#include <sys/socket.h>

#include <future>

namespace hearth::daemon::http::testing {
namespace {

namespace asio = boost::asio;

asio::awaitable<void> answer_body(Request request, ResponseWriter& out) {
    std::string text = request.method + " " + request.path + " " + request.body;
    co_await out.send_text(200, std::move(text));
}

/// Tells the test when the coroutine that holds it ends, however it ends.
struct EndMark {
    explicit EndMark(std::promise<void>& ended_) : ended(ended_) {}
    ~EndMark() { ended.set_value(); }
    std::promise<void>& ended;
};

bool ends_soon(std::promise<void>& promise) {
    return promise.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready;
}

/// Streams one line, then waits for ever: a model that is slow to answer.
Handler waiting_handler(std::promise<void>& ended) {
    return [&ended](Request, ResponseWriter& out) -> asio::awaitable<void> {
        EndMark mark(ended);
        AsyncEvent never(co_await asio::this_coro::executor);
        out.begin_ndjson();
        Json line = {{"line", 1}};
        co_await out.write_json(std::move(line));
        co_await never.wait();
    };
}

TEST_F(HttpServer, AnswersManyRequestsOnOneConnection) {
    add_route("POST", "/echo", answer_body);
    start();
    Client client = connect();
    for (int i = 0; i < 3; ++i) {
        client.send(post("/echo", "body" + std::to_string(i)));
        const auto response = client.read_response();
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(response.body, "POST /echo body" + std::to_string(i));
    }
}

TEST_F(HttpServer, AnswersPipelinedRequestsInOrder) {
    add_route("POST", "/echo", answer_body);
    start();
    Client client = connect();
    client.send(post("/echo", "one") + post("/echo", "two") + post("/echo", "three"));
    EXPECT_EQ(client.read_response().body, "POST /echo one");
    EXPECT_EQ(client.read_response().body, "POST /echo two");
    EXPECT_EQ(client.read_response().body, "POST /echo three");
}

TEST_F(HttpServer, ReadsABodyInChunksThatArriveByteByByte) {
    add_route("POST", "/echo", answer_body);
    start();
    Client client = connect();
    const std::string request = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
                                "chunked\r\n\r\n5;name=value\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    for (const char byte : request) {
        client.send(std::string(1, byte));
    }
    EXPECT_EQ(client.read_response().body, "POST /echo hello world");
}

TEST_F(HttpServer, SaysContinueToAClientThatWaitsForIt) {
    add_route("POST", "/echo", answer_body);
    start();
    Client client = connect();
    client.send(
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("ok");
    EXPECT_EQ(client.read_response().body, "POST /echo ok");
}

TEST_F(HttpServer, AnswersHeadWithTheHeadersOfGetAndNoBody) {
    add_route("GET", "/", answer_body);
    start();
    Client client = connect();
    client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const std::string answer = client.read_to_end();
    EXPECT_NE(answer.find("Content-Length: 6\r\n"), std::string::npos) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(HttpServer, AnswersHeadOfAStreamWithItsHeadersAlone) {
    std::promise<void> ended;
    add_route("GET", "/wait", waiting_handler(ended));
    add_route("GET", "/", answer_body);
    start();
    Client client = connect();
    client.send("HEAD /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(client.read_response(true).status, 200);
    EXPECT_TRUE(ends_soon(ended));
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(client.read_response().body, "GET / "); // the connection goes on
    stop();
}

TEST_F(HttpServer, ClosesAfterTheAnswerToHttp10) {
    add_route("GET", "/", answer_body);
    start();
    Client client = connect();
    client.send("GET / HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(client.read_to_end().ends_with("\r\n\r\nGET / "));
}

TEST_F(HttpServer, StreamsToHttp10WithoutChunks) {
    add_route("GET", "/", [](Request, ResponseWriter& out) -> asio::awaitable<void> {
        out.begin_ndjson();
        Json line = {{"a", 1}};
        co_await out.write_json(std::move(line));
    });
    start();
    Client client = connect();
    client.send("GET / HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(client.read_to_end().ends_with("\r\n\r\n{\"a\":1}\n"));
}

TEST_F(HttpServer, AcceptsTheUrlOfItsOwnHostAsTarget) {
    add_route("GET", "/here", answer_body);
    start();
    Client client = connect();
    client.send("GET http://localhost/here HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(client.read_response().body, "GET /here ");
}

TEST_F(HttpServer, GivesPathParametersDecoded) {
    add_route("GET", "/one/{id}/end", [](Request request, ResponseWriter& out) -> asio::awaitable<void> {
        std::string text = request.parameter("id");
        co_await out.send_text(200, std::move(text));
    });
    add_route("GET", "/rest/{id*}", [](Request request, ResponseWriter& out) -> asio::awaitable<void> {
        std::string text = request.parameter("id") + "?" + request.query["a"];
        co_await out.send_text(200, std::move(text));
    });
    start();
    EXPECT_EQ(get("/one/a%20b/end").body, "a b");
    EXPECT_EQ(get("/rest/hf.co/org/model:tag?a=1%2B1&b").body, "hf.co/org/model:tag?1+1");
    EXPECT_EQ(get("/one//end").status, 404);
    EXPECT_EQ(get("/rest/").status, 404);
}

TEST_F(HttpServer, AnswersAnUnknownPathInJson) {
    start();
    const auto response = get("/nowhere");
    EXPECT_EQ(response.status, 404);
    EXPECT_EQ(Json::parse(response.body)["code"], "route.not_found");
}

TEST_F(HttpServer, NamesTheMethodsThatAPathHas) {
    add_route("POST", "/thing", answer_body);
    add_route("GET", "/thing", answer_body);
    start();
    Client client = connect();
    client.send("DELETE /thing HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const auto response = client.read_response();
    EXPECT_EQ(response.status, 405);
    EXPECT_NE(response.head.find("Allow: GET, HEAD, POST\r\n"), std::string::npos) << response.head;
}

TEST_F(HttpServer, RefusesFullRoutesOnTheInferenceSocket) {
    add_route("GET", "/all", answer_body, Access::full);
    add_route("GET", "/some", answer_body, Access::infer);
    start();
    EXPECT_EQ(get("/all", Access::infer).status, 403);
    EXPECT_EQ(get("/some", Access::infer).status, 200);
    EXPECT_EQ(get("/all", Access::full).status, 200);
}

TEST_F(HttpServer, TurnsAnExceptionIntoATypedError) {
    auto fail = [](Request, ResponseWriter&) -> asio::awaitable<void> {
        throw Error(ErrorCode::model_not_found, "model 'x' not found", "hearth pull x");
        co_return;
    };
    add_route("GET", "/api/x", fail);
    add_route("GET", "/v1/x", fail);
    start();
    const auto ours = get("/api/x");
    EXPECT_EQ(ours.status, 404);
    EXPECT_EQ(Json::parse(ours.body)["error"], "model 'x' not found");
    EXPECT_EQ(Json::parse(ours.body)["hint"], "hearth pull x");
    const auto openai = get("/v1/x");
    EXPECT_EQ(openai.status, 404);
    EXPECT_EQ(Json::parse(openai.body)["error"]["message"], "model 'x' not found");
}

TEST_F(HttpServer, SpeaksAnthropicsErrorsUnderItsPaths) {
    const auto fail = [](Request, ResponseWriter&) -> asio::awaitable<void> {
        throw Error(ErrorCode::model_not_found, "model 'x' not found");
        co_return;
    };
    add_route("GET", "/v1/messages", fail);
    start();
    for (const char* target : {"/v1/messages", "/v1/messages?beta=true", "/v1/messages/absent"}) {
        const auto answer = get(target);
        EXPECT_EQ(answer.status, 404);
        EXPECT_EQ(Json::parse(answer.body)["type"], "error") << target;
        EXPECT_EQ(Json::parse(answer.body)["error"]["type"], "not_found_error") << target;
    }
    EXPECT_FALSE(Json::parse(get("/v1/messagesx").body).contains("type"));
}

TEST_F(HttpServer, NamesTheEventsOfAnthropicsStreamsItsErrorsToo) {
    add_route("GET", "/v1/messages", [](Request, ResponseWriter& out) -> asio::awaitable<void> {
        out.begin_sse();
        Json data = {{"a", 1}};
        co_await out.write_event("first", std::move(data));
        throw Error(ErrorCode::runner_lost, "the runner ended");
    });
    start();
    const auto events = get("/v1/messages");
    EXPECT_TRUE(events.body.starts_with("event: first\ndata: {\"a\":1}\n\nevent: error\ndata: {\"error\":{"))
        << events.body;
    EXPECT_TRUE(events.body.ends_with("\"type\":\"error\"}\n\n")) << events.body;
}

TEST_F(HttpServer, EndsABrokenStreamWithAnErrorLine) {
    add_route("GET", "/lines", [](Request, ResponseWriter& out) -> asio::awaitable<void> {
        out.begin_ndjson();
        Json line = {{"a", 1}};
        co_await out.write_json(std::move(line));
        throw Error(ErrorCode::runner_lost, "the runner ended");
    });
    add_route("GET", "/v1/events", [](Request, ResponseWriter& out) -> asio::awaitable<void> {
        out.begin_sse();
        Json line = {{"a", 1}};
        co_await out.write_json(std::move(line));
        throw Error(ErrorCode::runner_lost, "the runner ended");
    });
    start();
    const auto lines = get("/lines");
    EXPECT_EQ(lines.status, 200);
    EXPECT_EQ(lines.body, "{\"a\":1}\n{\"code\":\"runner.lost\",\"error\":\"the runner ended\"}\n");
    const auto events = get("/v1/events");
    EXPECT_TRUE(events.body.starts_with("data: {\"a\":1}\n\ndata: {\"error\":{")) << events.body;
    EXPECT_TRUE(events.body.ends_with("}\n\n"));
}

TEST_F(HttpServer, KeepsTheStatusOfAnErrorBeforeTheFirstLine) {
    add_route("GET", "/lines", [](Request, ResponseWriter& out) -> asio::awaitable<void> {
        out.begin_ndjson();
        throw Error(ErrorCode::busy, "later");
        co_return;
    });
    start();
    EXPECT_EQ(get("/lines").status, 503);
}

TEST_F(HttpServer, CancelsTheHandlerWhoseClientCloses) {
    std::promise<void> ended;
    add_route("GET", "/wait", waiting_handler(ended));
    start();
    Client client = connect();
    client.send("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.read_until("{\"line\":1}\n");
    client.close();
    EXPECT_TRUE(ends_soon(ended));
    stop();
}

TEST_F(HttpServer, GoesOnForAClientThatOnlyEndedItsSendingSide) {
    std::promise<AsyncEvent*> ready;
    add_route("GET", "/wait", [&ready](Request, ResponseWriter& out) -> asio::awaitable<void> {
        AsyncEvent event(co_await asio::this_coro::executor);
        ready.set_value(&event);
        co_await event.wait();
        co_await out.send_text(200, "finished");
    });
    start();
    Client client = connect();
    client.send("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.end_sending();
    AsyncEvent* event = ready.get_future().get();
    asio::post(io_, [event] { event->notify_all(); });
    EXPECT_EQ(client.read_response().body, "finished");
    EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(HttpServer, WaitsForASlowReader) {
    std::atomic<std::size_t> written = 0;
    constexpr std::size_t pieces = 200;
    const std::string piece(65536, 'x');
    add_route("GET", "/big", [&](Request, ResponseWriter& out) -> asio::awaitable<void> {
        out.begin_ndjson();
        for (std::size_t i = 0; i < pieces; ++i) {
            co_await out.write_raw(piece);
            written += piece.size();
        }
    });
    add_route("GET", "/other", answer_body);
    start();
    Client client = connect();
    client.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.read_until("\r\n\r\n");
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(get("/other").status, 200); // others are served meanwhile
    }
    EXPECT_LT(written, pieces * piece.size() / 2); // the socket's buffer holds far less than all
    std::size_t received = 0;
    std::string tail;
    while (!tail.ends_with("0\r\n\r\n")) {
        const std::string got = client.read_piece();
        ASSERT_FALSE(got.empty());
        received += got.size();
        tail = (tail + got).substr(tail.size() + got.size() > 16 ? tail.size() + got.size() - 16 : 0);
    }
    EXPECT_GE(received, pieces * piece.size());
    stop(); // the handler refers to what lives here
}

TEST_F(HttpServer, DropsAReaderThatStalls) {
    limits_.write_stall = std::chrono::milliseconds(50);
    std::promise<void> ended;
    add_route("GET", "/big", [&ended](Request, ResponseWriter& out) -> asio::awaitable<void> {
        EndMark mark(ended);
        out.begin_ndjson();
        for (;;) {
            std::string piece(65536, 'x');
            co_await out.write_raw(std::move(piece));
        }
    });
    start();
    Client client = connect();
    client.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_TRUE(ends_soon(ended));
    stop();
}

TEST_F(HttpServer, LetsAnAnswerEndWhenItStops) {
    std::promise<AsyncEvent*> ready;
    add_route("GET", "/wait", [&ready](Request, ResponseWriter& out) -> asio::awaitable<void> {
        AsyncEvent event(co_await asio::this_coro::executor);
        ready.set_value(&event);
        co_await event.wait();
        co_await out.send_text(200, "finished");
    });
    start();
    Client busy = connect();
    busy.send("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
    AsyncEvent* event = ready.get_future().get();
    auto stopping = std::async(std::launch::async, [this] { stop(std::chrono::seconds(10)); });
    asio::post(io_, [event] { event->notify_all(); });
    EXPECT_EQ(busy.read_response().body, "finished");
    EXPECT_EQ(busy.read_to_end(), "");
    stopping.get();
}

TEST_F(HttpServer, CancelsAnAnswerThatOutlivesTheDrain) {
    std::promise<void> ended;
    add_route("GET", "/wait", waiting_handler(ended));
    start();
    Client client = connect();
    client.send("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.read_until("{\"line\":1}\n");
    stop(std::chrono::milliseconds(20));
    EXPECT_TRUE(ends_soon(ended));
}

} // namespace
} // namespace hearth::daemon::http::testing
