#include "base/async/event.hpp"
#include "base/async/timeout.hpp"
#include "daemon/http/listen_sockets.hpp"
#include "daemon/http/site.hpp"
#include "tests/daemon/http/http_fixture.hpp"
#include "tests/daemon/http/waiting_handler.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>

#include <sys/socket.h>

#include <future>

namespace hearth::daemon::http::testing {
namespace {

namespace asio = boost::asio;

const std::string token = "hearth_00000000_secret";

std::optional<TokenHolder> holder_of(std::string_view text) {
    if (text == token) {
        return TokenHolder{"00000000", "my-app", Access::infer};
    }
    if (text == "hearth_full") {
        return TokenHolder{"11111111", "admin", Access::full};
    }
    return std::nullopt;
}

/// A server with a TCP door, and clients that came through it.
class DoorServer : public HttpServer {
  protected:
    DoorServer() {
        auto handler = [this](Request request, ResponseWriter& out) -> asio::awaitable<void> {
            ++handled_;
            app_ = request.app;
            co_await out.send_text(200, "handled");
        };
        add_route("GET", "/", handler);
        add_route("POST", "/api/chat", handler);
        add_route("POST", "/v1/chat/completions", handler);
        add_route("DELETE", "/api/delete", handler, Access::full);
        router_.add({"GET", "/tokens", Access::full, BodySize::json, handler, Served::socket_only});
    }
    ~DoorServer() override {
        if (server_) { // it uses what is below
            stop();
        }
    }

    void open(DoorRules rules = {}, const Site* site = nullptr) {
        listener_ = bind_tcp(parse_endpoint("127.0.0.1:0"));
        door_ = std::make_unique<Door>(*listener_.endpoint, std::move(rules), holder_of, nullptr, site);
        start();
        asio::post(io_, [this] { server_->listen(std::move(listener_.fd), *door_); });
    }
    Client enter() {
        UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const Endpoint& address = door_->endpoint();
        EXPECT_EQ(::connect(socket.get(), address.data(), static_cast<socklen_t>(address.size())), 0);
        return Client(std::move(socket));
    }
    /// A request whose body is announced and never sent: an answer shows that nobody waited for it.
    Client::Response ask(const std::string& method, const std::string& path, const std::string& fields,
                         bool announce_body = true) {
        Client client = enter();
        client.send(method + " " + path + " HTTP/1.1\r\n" + fields +
                    (announce_body ? "Content-Length: 1000\r\n\r\n" : "\r\n"));
        return client.read_response(method == "OPTIONS"); // 204 has neither length nor body
    }

    ListenSocket listener_;
    std::unique_ptr<Door> door_;
    int handled_ = 0; ///< read after `stop`, or when an answer has arrived
    App app_;
};

const std::string localhost = "Host: localhost\r\n";
const std::string bearer = "Authorization: Bearer " + token + "\r\n";

TEST_F(DoorServer, AsksInTheOrderOfTheRules) {
    open({.hosts = {}, .origins = {"https://app.example"}});
    const std::string evil = "Origin: https://evil.example\r\n";
    const std::string text = "Content-Type: text/plain\r\n";
    EXPECT_EQ(ask("POST", "/none", "Host: evil.example\r\n" + evil + text).status, 403);
    EXPECT_EQ(ask("POST", "/none", localhost + evil + text).status, 403);
    EXPECT_EQ(ask("POST", "/none", localhost + "Sec-Fetch-Site: cross-site\r\n" + text).status, 403);
    EXPECT_EQ(ask("POST", "/none", localhost + text).status, 401);
    EXPECT_EQ(ask("POST", "/none", localhost + bearer + text).status, 404);
    EXPECT_EQ(ask("GET", "/api/chat", localhost + bearer + text).status, 405);
    EXPECT_EQ(ask("DELETE", "/api/delete", localhost + bearer + text).status, 403);
    EXPECT_EQ(ask("POST", "/api/chat", localhost + bearer + text).status, 415);
    stop();
    EXPECT_EQ(handled_, 0);
}

TEST_F(DoorServer, LetsAnAppInByItsToken) {
    open();
    Client client = enter();
    for (int i = 0; i < 3; ++i) { // one connection
        client.send("POST /api/chat HTTP/1.1\r\n" + localhost + bearer +
                    "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
        EXPECT_EQ(client.read_response().body, "handled");
    }
    EXPECT_EQ(app_, (App{App::Source::token, "my-app"}));
    EXPECT_EQ(ask("DELETE", "/api/delete", localhost + "X-Api-Key: hearth_full\r\n", false).status, 200);
    stop();
    EXPECT_EQ(handled_, 4);
}

TEST_F(DoorServer, SaysHowToGetAToken) {
    open();
    const Client::Response answer = ask("POST", "/v1/chat/completions", localhost);
    EXPECT_EQ(answer.status, 401);
    EXPECT_NE(answer.head.find("WWW-Authenticate: Bearer"), std::string::npos) << answer.head;
    EXPECT_NE(answer.head.find("Connection: close"), std::string::npos) << answer.head;
    EXPECT_NE(answer.body.find("authentication_error"), std::string::npos) << answer.body;
    EXPECT_EQ(answer.body.find(token), std::string::npos);
}

TEST_F(DoorServer, KeepsWhatIsForTheSocketToTheSocket) {
    open();
    EXPECT_EQ(ask("GET", "/tokens", localhost + "X-Api-Key: hearth_full\r\n", false).status, 403);
    EXPECT_EQ(get("/tokens").status, 200);
    stop();
    EXPECT_EQ(handled_, 1);
}

TEST_F(DoorServer, AnswersAListedPageThatAsksFirst) {
    open({.hosts = {}, .origins = {"https://app.example"}});
    const std::string page = localhost + "Origin: https://app.example\r\nSec-Fetch-Site: cross-site\r\n";
    const Client::Response answer =
        ask("OPTIONS", "/api/chat",
            page + "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n",
            false);
    EXPECT_EQ(answer.status, 204);
    for (const char* field :
         {"Access-Control-Allow-Origin: https://app.example\r\n", "Vary: Origin\r\n",
          "Access-Control-Allow-Headers: content-type\r\n", "Access-Control-Allow-Methods: "}) {
        EXPECT_NE(answer.head.find(field), std::string::npos) << field << answer.head;
    }
    EXPECT_EQ(answer.head.find("Content-Length"), std::string::npos);
    const Client::Response allowed = ask("GET", "/", page + bearer, false);
    EXPECT_EQ(allowed.status, 200);
    EXPECT_NE(allowed.head.find("Access-Control-Allow-Origin: https://app.example\r\n"), std::string::npos);
    const Client::Response refused = ask("OPTIONS", "/api/chat",
                                         localhost + "Origin: https://evil.example\r\n"
                                                     "Access-Control-Request-Method: POST\r\n",
                                         false);
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(refused.head.find("Access-Control"), std::string::npos) << refused.head;
}

TEST_F(DoorServer, ServesSoManyConnectionsOfAnAddress) {
    limits_.connections_per_address = 2;
    open({.hosts = {}, .origins = {}, .anonymous = Anonymous::infer});
    Client one = enter();
    Client two = enter();
    for (Client* client : {&one, &two}) {
        client->send("GET / HTTP/1.1\r\n" + localhost + "\r\n");
        EXPECT_EQ(client->read_response().status, 200);
    }
    Client three = enter();
    EXPECT_EQ(three.read_response().status, 503);
    EXPECT_EQ(get("/").status, 200); // the socket is as free as before
}

TEST_F(DoorServer, SlowsDownWhoGuesses) {
    limits_.failed_tokens_per_minute = 1;
    limits_.failed_token_delay = std::chrono::milliseconds(200);
    open();
    const std::string wrong = localhost + "X-Api-Key: hearth_wrong\r\n";
    EXPECT_EQ(ask("GET", "/", wrong, false).status, 401);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(ask("GET", "/", wrong, false).status, 401);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, limits_.failed_token_delay);
    EXPECT_EQ(ask("GET", "/", localhost + bearer, false).status, 200);
}

TEST_F(DoorServer, CancelsTheAnswerWhoseClientCloses) {
    Waiting waiting;
    add_route("GET", "/wait", waiting.handler());
    open({.hosts = {}, .origins = {}, .anonymous = Anonymous::infer});
    Client client = enter();
    client.send("GET /wait HTTP/1.1\r\n" + localhost + "\r\n");
    waiting.begun.get_future().wait();
    client.close();
    EXPECT_EQ(waiting.ended.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
    stop();
}

TEST_F(DoorServer, GoesOnForAClientThatOnlyEndedItsSendingSide) {
    Waiting waiting;
    add_route("GET", "/wait", waiting.handler());
    open({.hosts = {}, .origins = {}, .anonymous = Anonymous::infer});
    Client client = enter();
    client.send("GET /wait HTTP/1.1\r\n" + localhost + "\r\n");
    waiting.begun.get_future().wait();
    client.end_sending();
    EXPECT_EQ(get("/").status, 200); // its end has been seen
    asio::post(io_, [&waiting] { waiting.release->notify_all(); });
    EXPECT_EQ(client.read_response().body, "finished");
    EXPECT_EQ(client.read_to_end(), "");
    stop();
}

TEST_F(DoorServer, EndsAnswersWhoseTokenIsRevoked) {
    Waiting waiting;
    add_route("GET", "/wait", waiting.handler());
    open();
    Client client = enter();
    client.send("GET /wait HTTP/1.1\r\n" + localhost + bearer + "\r\n");
    waiting.begun.get_future().wait();
    asio::post(io_, [this] { server_->close_sessions("00000000"); });
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_EQ(waiting.ended.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
    stop();
}

/// A door that serves a page of its own.
class PageServer : public DoorServer {
  protected:
    PageServer() {
        site_.headers = {{"Content-Security-Policy", "default-src 'none'"}};
        auto page = [](Request, ResponseWriter& out) -> asio::awaitable<void> {
            co_await out.send(200, "text/html", "<p>page</p>");
        };
        site_.routes.add({"GET", "/", Access::infer, BodySize::json, page});
        auto session = [](Request request, ResponseWriter& out) -> asio::awaitable<void> {
            co_await out.send_text(200, "got " + request.body);
        };
        site_.routes.add({"POST", "/session", Access::infer, BodySize::json, session});
        DoorRules rules;
        rules.pages = Pages::own;
        open(std::move(rules), &site_);
        host_ = fmt::format("Host: 127.0.0.1:{}\r\n", door_->endpoint().port());
        origin_ = fmt::format("Origin: http://127.0.0.1:{}\r\n", door_->endpoint().port());
    }

    Site site_;
    std::string host_;
    std::string origin_;
};

TEST_F(PageServer, ShowsItsFilesWithoutATokenAndNothingElse) {
    const Client::Response page = ask("GET", "/?x=1", host_, false);
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.body, "<p>page</p>");
    Client client = enter();
    client.send("HEAD / HTTP/1.1\r\n" + host_ + "\r\n");
    EXPECT_EQ(client.read_response(true).status, 200);
    EXPECT_EQ(ask("GET", "/tokens", host_, false).status, 401);
    EXPECT_EQ(ask("POST", "/", host_).status, 401) << "a path of the page with another verb is the API's";
    EXPECT_EQ(ask("POST", "/api/chat", host_ + origin_).status, 401);
    EXPECT_EQ(ask("GET", "/%2e", host_, false).status, 401);
    stop();
    EXPECT_EQ(handled_, 0);
}

TEST_F(PageServer, SendsItsHeadersWithEveryAnswer) {
    for (const std::string path : {"/", "/tokens", "/none"}) {
        const Client::Response answer = ask("GET", path, host_, false);
        EXPECT_NE(answer.head.find("Content-Security-Policy: default-src 'none'\r\n"), std::string::npos)
            << path;
        EXPECT_NE(answer.head.find("X-Content-Type-Options: nosniff\r\n"), std::string::npos) << path;
        EXPECT_EQ(answer.head.find("Access-Control"), std::string::npos) << path;
    }
}

TEST_F(PageServer, RefusesOtherHostsAndOriginsTheFilesToo) {
    EXPECT_EQ(ask("GET", "/", localhost, false).status, 403);
    EXPECT_EQ(ask("GET", "/", "Host: evil.example\r\n", false).status, 403);
    EXPECT_EQ(ask("GET", "/", host_ + "Origin: http://evil.example\r\n", false).status, 403);
    EXPECT_EQ(ask("GET", "/", host_ + "Sec-Fetch-Site: cross-site\r\n", false).status, 403);
    EXPECT_EQ(ask("POST", "/session", host_ + "Origin: null\r\nContent-Type: application/json\r\n").status,
              403);
}

TEST_F(PageServer, TakesWhatThePageSendsAsJsonAlone) {
    Client client = enter();
    client.send("POST /session HTTP/1.1\r\n" + host_ + origin_ +
                "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    EXPECT_EQ(client.read_response().body, "got {}");
    EXPECT_EQ(ask("POST", "/session", host_ + "Content-Type: text/plain\r\n").status, 415);
    EXPECT_EQ(ask("POST", "/session", host_ + origin_).status, 415);
}

TEST_F(PageServer, LetsAPageInByItsToken) {
    EXPECT_EQ(
        ask("DELETE", "/api/delete", host_ + origin_ + "Authorization: Bearer hearth_full\r\n", false).status,
        200);
    EXPECT_EQ(ask("GET", "/tokens", host_ + "Authorization: Bearer hearth_full\r\n", false).status, 403);
    stop();
    EXPECT_EQ(handled_, 1);
}

TEST_F(PageServer, IsUsedWhileSomebodyWithATokenIsConnected) {
    auto used = [this] {
        std::promise<bool> answer;
        asio::post(io_, [&] { answer.set_value(server_->is_used(*door_)); });
        return answer.get_future().get();
    };
    Client stranger = enter();
    stranger.send("GET / HTTP/1.1\r\n" + host_ + "\r\n");
    stranger.read_response();
    EXPECT_FALSE(used());
    Waiting waiting;
    add_route("GET", "/wait", waiting.handler());
    Client page = enter();
    page.send("GET /wait HTTP/1.1\r\n" + host_ + bearer + "\r\n");
    waiting.begun.get_future().wait();
    EXPECT_TRUE(used());
    page.close();
    waiting.ended.get_future().wait();
    stop();
}

TEST_F(PageServer, ClosesWithAllThatCameByIt) {
    Waiting waiting;
    add_route("GET", "/wait", waiting.handler());
    Client page = enter();
    page.send("GET /wait HTTP/1.1\r\n" + host_ + bearer + "\r\n");
    waiting.begun.get_future().wait();
    Client idle = enter();
    idle.send("GET / HTTP/1.1\r\n" + host_ + "\r\n");
    idle.read_response();
    const Endpoint address = door_->endpoint();
    asio::co_spawn(io_, server_->close(*door_), asio::use_future).get();
    door_.reset(); // nothing refers to it
    EXPECT_EQ(page.read_to_end(), "");
    EXPECT_EQ(idle.read_to_end(), "");
    EXPECT_EQ(waiting.ended.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
    const UniqueFd late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(late.get(), address.data(), static_cast<socklen_t>(address.size())), -1);
    EXPECT_EQ(get("/").status, 200); // the socket is open as before
}

TEST_F(DoorServer, SaysWhenItsAddressIsTaken) {
    open();
    try {
        bind_tcp(door_->endpoint());
        FAIL() << "bound twice";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::address_taken);
    }
}

TEST_F(HttpServer, TakesEightRequestsAheadOfTheirTurn) {
    add_route("GET", "/", [](Request, ResponseWriter& out) -> asio::awaitable<void> {
        co_await out.send_text(200, "handled");
    });
    start();
    std::string requests;
    for (int i = 0; i < 12; ++i) {
        requests += "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    }
    Client client = connect();
    client.send(requests);
    const std::string answers = client.read_to_end();
    std::size_t served = 0;
    for (std::size_t at = answers.find("handled"); at != std::string::npos;
         at = answers.find("handled", at + 1)) {
        ++served;
    }
    EXPECT_EQ(served, 9u); // one in its turn, eight ahead of it
    EXPECT_NE(answers.find("HTTP/1.1 400 "), std::string::npos);
}

} // namespace
} // namespace hearth::daemon::http::testing
