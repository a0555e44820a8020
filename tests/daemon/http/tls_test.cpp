#include "base/async/event.hpp"
#include "base/error.hpp"
#include "daemon/http/body_source.hpp"
#include "daemon/http/listen_sockets.hpp"
#include "daemon/http/tls/certificate.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/temporary_dir.hpp"
#include "tests/daemon/http/http_fixture.hpp"
#include "tests/daemon/http/tls_files.hpp"
#include "tests/daemon/http/waiting_handler.hpp"

#include <boost/asio/post.hpp>

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <csignal>
#include <fstream>
#include <future>

namespace hearth::daemon::http::testing {
namespace {

namespace asio = boost::asio;
using hearth::testing::expect_error;

/// The client's side of TLS on a blocking socket; certificates are not its business here.
class TlsClient {
  public:
    /// @param version  TLS1_2_VERSION, TLS1_3_VERSION
    explicit TlsClient(Client plain, int version = TLS1_3_VERSION, const std::string& protocols = {})
        : plain_(std::move(plain)), context_(SSL_CTX_new(TLS_client_method())), stream_(SSL_new(context_)) {
        SSL_set_min_proto_version(stream_, version);
        SSL_set_max_proto_version(stream_, version);
        if (!protocols.empty()) {
            SSL_set_alpn_protos(stream_, reinterpret_cast<const unsigned char*>(protocols.data()),
                                static_cast<unsigned>(protocols.size()));
        }
        SSL_set_fd(stream_, plain_.fd());
    }
    TlsClient(const TlsClient&) = delete;
    ~TlsClient() {
        SSL_free(stream_);
        SSL_CTX_free(context_);
    }

    bool connect() { return SSL_connect(stream_) == 1; }
    SSL* stream() { return stream_; }
    void send(const std::string& bytes) {
        for (std::size_t sent = 0; sent < bytes.size();) {
            const int length = SSL_write(stream_, bytes.data() + sent, static_cast<int>(bytes.size() - sent));
            ASSERT_GT(length, 0);
            sent += static_cast<std::size_t>(length);
        }
    }
    /// One more piece; empty at the end, however it came.
    std::string read_piece() {
        std::string piece(65536, '\0');
        const int length = SSL_read(stream_, piece.data(), static_cast<int>(piece.size()));
        piece.resize(static_cast<std::size_t>(std::max(length, 0)));
        return piece;
    }
    std::string read_to_end() {
        std::string all;
        for (std::string piece = read_piece(); !piece.empty(); piece = read_piece()) {
            all += piece;
        }
        return all;
    }
    bool was_told_the_end() const { return (SSL_get_shutdown(stream_) & SSL_RECEIVED_SHUTDOWN) != 0; }
    /// Says goodbye, as a client does that is in order.
    void close() {
        SSL_shutdown(stream_);
        plain_.close();
    }
    /// Is gone, as a client that was killed.
    void vanish() { plain_.close(); }

  private:
    Client plain_;
    SSL_CTX* context_;
    SSL* stream_;
};

class TlsServer : public HttpServer {
  protected:
    TlsServer() {
        std::signal(SIGPIPE, SIG_IGN); // as hearthd does
        write_certificate(dir_.path() / "cert.pem", dir_.path() / "key.pem");
        certificate_.emplace(dir_.path() / "cert.pem", dir_.path() / "key.pem");
        add_route("GET", "/", [](Request request, ResponseWriter& out) -> asio::awaitable<void> {
            co_await out.send_text(200, "hello " + request.app.name);
        });
    }
    ~TlsServer() override {
        if (server_) { // it uses what is below
            stop();
        }
    }
    void open() {
        listener_ = bind_tcp(parse_endpoint("127.0.0.1:0"));
        DoorRules rules;
        rules.anonymous = Anonymous::infer;
        auto nobody = [](std::string_view) { return std::optional<TokenHolder>(); };
        door_ = std::make_unique<Door>(*listener_.endpoint, std::move(rules), nobody, &*certificate_);
        start();
        asio::post(io_, [this] { server_->listen(std::move(listener_.fd), *door_); });
    }
    Client enter() {
        UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const Endpoint& address = door_->endpoint();
        EXPECT_EQ(::connect(socket.get(), address.data(), static_cast<socklen_t>(address.size())), 0);
        return Client(std::move(socket));
    }
    static std::string get_request(const std::string& path, const std::string& fields = {}) {
        return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
    }
    /// A request on a connection of its own: the server is alive.
    void expect_served() {
        TlsClient client(enter());
        ASSERT_TRUE(client.connect());
        client.send(get_request("/", "Connection: close\r\n"));
        EXPECT_TRUE(client.read_to_end().ends_with("hello "));
        EXPECT_TRUE(client.was_told_the_end());
    }

    hearth::testing::TemporaryDir dir_;
    std::optional<Certificate> certificate_;
    ListenSocket listener_;
    std::unique_ptr<Door> door_;
};

TEST_F(TlsServer, AnswersInBothVersionsOfTls) {
    open();
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsClient client(enter(), version);
        ASSERT_TRUE(client.connect());
        for (int i = 0; i < 3; ++i) {
            client.send(get_request("/"));
            EXPECT_TRUE(client.read_piece().ends_with("hello "));
        }
    }
}

TEST_F(TlsServer, SpeaksHttp11ToWhoOffersMoreAndNothingToWhoOffersOnlyOther) {
    open();
    TlsClient both(enter(), TLS1_3_VERSION, std::string("\x02h2\x08http/1.1"));
    ASSERT_TRUE(both.connect());
    const unsigned char* chosen = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(both.stream(), &chosen, &length);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), length), "http/1.1");
    TlsClient other(enter(), TLS1_3_VERSION, std::string("\x02h2"));
    EXPECT_FALSE(other.connect());
    expect_served();
}

TEST_F(TlsServer, ClosesOnWhoSpeaksPlainHttp) {
    open();
    Client plain = enter();
    plain.send(get_request("/"));
    EXPECT_EQ(plain.read_to_end().find("HTTP/"), std::string::npos);
    expect_served();
}

TEST_F(TlsServer, ClosesOnGarbage) {
    open();
    for (const std::string& bytes : {std::string(100, '\xff'), std::string("\x16\x03\x01\x00\x05hello"),
                                     std::string("\x16\x03\x01\xff\xff", 5) + std::string(70000, 'x')}) {
        Client client = enter();
        client.send(bytes);
        EXPECT_EQ(client.read_to_end().find("HTTP/"), std::string::npos);
    }
    expect_served();
}

TEST_F(TlsServer, ClosesOnAHandshakeThatDoesNotEnd) {
    limits_.header_deadline = std::chrono::milliseconds(100);
    open();
    for (const std::string& begin : {std::string(), std::string("\x16\x03\x01\x02\x00\x01", 6)}) {
        Client client = enter();
        client.send(begin);
        EXPECT_EQ(client.read_to_end(), "");
    }
}

TEST_F(TlsServer, ClosesOnAHeadThatDoesNotEnd) {
    limits_.header_deadline = std::chrono::milliseconds(300);
    open();
    TlsClient client(enter());
    ASSERT_TRUE(client.connect());
    client.send("GET / HTTP/1.1\r\n");
    EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(TlsServer, DoesNotRenegotiate) {
    open();
    TlsClient client(enter(), TLS1_2_VERSION);
    ASSERT_TRUE(client.connect());
    ASSERT_EQ(SSL_renegotiate(client.stream()), 1);
    EXPECT_NE(SSL_do_handshake(client.stream()), 1);
    expect_served();
}

TEST_F(TlsServer, AnswersWhatWasSentAheadOfItsTurn) {
    Waiting waiting;
    add_route("GET", "/wait", waiting.handler());
    open();
    TlsClient client(enter());
    ASSERT_TRUE(client.connect());
    client.send(get_request("/wait"));
    waiting.begun.get_future().wait();
    client.send(get_request("/"));
    expect_served(); // it has been read ahead
    asio::post(io_, [&waiting] { waiting.release->notify_all(); });
    std::string answers = client.read_piece();
    while (answers.find("hello") == std::string::npos) {
        const std::string piece = client.read_piece();
        ASSERT_FALSE(piece.empty());
        answers += piece;
    }
    EXPECT_LT(answers.find("finished"), answers.find("hello"));
    stop();
}

class LeavingClient : public TlsServer, public ::testing::WithParamInterface<void (TlsClient::*)()> {};

TEST_P(LeavingClient, CancelsItsAnswer) {
    Waiting waiting;
    add_route("GET", "/wait", waiting.handler());
    open();
    TlsClient client(enter());
    ASSERT_TRUE(client.connect());
    client.send(get_request("/wait"));
    waiting.begun.get_future().wait();
    (client.*GetParam())();
    EXPECT_EQ(waiting.ended.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
    stop();
}
INSTANTIATE_TEST_SUITE_P(Ways, LeavingClient, ::testing::Values(&TlsClient::close, &TlsClient::vanish),
                         [](const auto& info) { return info.index == 0 ? "SaysGoodbye" : "Vanishes"; });

asio::awaitable<void> count_bytes(Request, BodySource& body, ResponseWriter& out) {
    std::size_t total = 0;
    for (std::string piece = co_await body.next(); !piece.empty(); piece = co_await body.next()) {
        total += piece.size();
    }
    co_await out.send_text(201, std::to_string(total));
}

TEST_F(TlsServer, TakesUploadsAndGivesLargeAnswers) {
    router_.add({"POST", "/up", Access::infer, BodySize::json, nullptr, Served::everywhere, count_bytes});
    add_route("GET", "/large", [](Request, ResponseWriter& out) -> asio::awaitable<void> {
        co_await out.send_text(200, std::string(20u << 20, 'x'));
    });
    open();
    TlsClient sender(enter());
    ASSERT_TRUE(sender.connect());
    sender.send("POST /up HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n"
                "Content-Length: 20971520\r\n\r\n");
    for (int i = 0; i < 20; ++i) {
        sender.send(std::string(1u << 20, 'x'));
    }
    EXPECT_TRUE(sender.read_to_end().ends_with("20971520"));
    TlsClient reader(enter());
    ASSERT_TRUE(reader.connect());
    reader.send(get_request("/large", "Connection: close\r\n"));
    EXPECT_GT(reader.read_to_end().size(), 20u << 20);
}

TEST_F(TlsServer, SaysNothingInPlainTextWhenItIsFull) {
    limits_.connections_per_address = 1;
    open();
    TlsClient first(enter());
    ASSERT_TRUE(first.connect());
    EXPECT_EQ(enter().read_to_end(), "");
}

class CertificateFiles : public ::testing::Test {
  protected:
    std::filesystem::path path(const char* name) const { return dir_.path() / name; }
    hearth::testing::TemporaryDir dir_;
};

TEST_F(CertificateFiles, AreReadWithTheirKey) {
    write_certificate(path("cert"), path("key"));
    const Certificate certificate(path("cert"), path("key"));
    EXPECT_NE(certificate.native(), nullptr);
}

TEST_F(CertificateFiles, ThatDoNotFitAreRefusedByName) {
    write_certificate(path("cert"), path("key"));
    write_certificate(path("other_cert"), path("other_key"));
    write_certificate(path("locked_cert"), path("locked_key"), "secret");
    std::ofstream(path("text")) << "no PEM\n";
    const auto refusal = [&](const char* certificate, const char* key) {
        return expect_error(ErrorCode::invalid_argument,
                            [&] { const Certificate made(path(certificate), path(key)); });
    };
    EXPECT_NE(refusal("none", "key").find("none"), std::string::npos);
    EXPECT_NE(refusal("cert", "none").find("none"), std::string::npos);
    EXPECT_NE(refusal("text", "key").find("text holds no certificate"), std::string::npos);
    EXPECT_NE(refusal("cert", "text").find("text holds no key"), std::string::npos);
    EXPECT_NE(refusal("cert", "other_key").find("other_key"), std::string::npos);
    EXPECT_NE(refusal("locked_cert", "locked_key").find("locked_key"), std::string::npos);
}

} // namespace
} // namespace hearth::daemon::http::testing
