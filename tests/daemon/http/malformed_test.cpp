#include "tests/daemon/http/http_fixture.hpp"

#include <ostream>

namespace hearth::daemon::http::testing {
namespace {

/// Bytes that must be refused, and the connection closed: security reference 5.5.
struct Vector {
    const char* name;
    std::string bytes;
    int status = 400;
};

void PrintTo(const Vector& vector, std::ostream* out) {
    *out << vector.name;
}

const std::string next =
    "GET /second HTTP/1.1\r\nHost: localhost\r\n\r\n"; ///< what a smuggler hides behind the first

std::string with(const std::string& headers, const std::string& body = {}) {
    return "POST /echo HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n" + body + next;
}

const Vector vectors[] = {
    {"TransferEncodingXchunked", with("Transfer-Encoding: xchunked\r\n", "hello")},
    {"TransferEncodingChunkedIdentity", with("Transfer-Encoding: chunked, identity\r\n", "hello")},
    {"TransferEncodingIdentity", with("Transfer-Encoding: identity\r\n", "hello")},
    {"TransferEncodingTwice",
     with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
    {"TransferEncodingWithSpaceBeforeColon", with("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")},
    {"TransferEncodingWithVerticalTab", with("Transfer-Encoding: \x0b"
                                             "chunked\r\n",
                                             "0\r\n\r\n")},
    {"TransferEncodingOnHttp10",
     "POST /echo HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"LengthThenChunked", with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
    {"ChunkedThenLength", with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n")},
    {"FoldedHeaderLine", with("X-One: a\r\n b\r\nContent-Length: 0\r\n")},
    {"EqualLengthsTwice", with("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")},
    {"DifferentLengths", with("Content-Length: 5\r\nContent-Length: 6\r\n", "hello")},
    {"LengthList", with("Content-Length: 3, 3\r\n", "abc")},
    {"LengthPlus", with("Content-Length: +3\r\n", "abc")},
    {"LengthMinus", with("Content-Length: -1\r\n", "abc")},
    {"LengthHex", with("Content-Length: 0x3\r\n", "abc")},
    {"LengthEmpty", with("Content-Length: \r\n", "abc")},
    {"LengthTooManyDigits", with("Content-Length: 18446744073709551616\r\n", "abc")},
    {"TwoHosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n" + next},
    {"NoHostOn11", "GET / HTTP/1.1\r\n\r\n" + next},
    {"EmptyHost", "GET / HTTP/1.1\r\nHost: \r\n\r\n" + next},
    {"HostWithUser", "GET / HTTP/1.1\r\nHost: localhost@evil\r\n\r\n" + next},
    {"AbsoluteFormOfAnotherHost", "GET http://evil/ HTTP/1.1\r\nHost: localhost\r\n\r\n" + next},
    {"TargetInRawUtf8", "GET /\xc3\xa4 HTTP/1.1\r\nHost: localhost\r\n\r\n" + next},
    {"TargetWithBrokenPercent", "GET /%2 HTTP/1.1\r\nHost: localhost\r\n\r\n" + next},
    {"TargetWithEncodedNul", "GET /a%00b HTTP/1.1\r\nHost: localhost\r\n\r\n" + next},
    {"TargetStar", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n" + next},
    {"BareLineFeed", "GET / HTTP/1.1\nHost: localhost\n\n" + next},
    {"BareCarriageReturn", "GET / HTTP/1.1\r\nX: a\rb\r\nHost: localhost\r\n\r\n" + next},
    {"Nul", std::string("GET / HTTP/1.1\r\nX: a") + '\0' + "b\r\nHost: localhost\r\n\r\n" + next},
    {"HeaderWithoutColon", "GET / HTTP/1.1\r\nHost: localhost\r\nnonsense\r\n\r\n" + next},
    {"HeaderWithoutName", "GET / HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n" + next},
    {"Http09", "GET /\r\n"},
    {"Http12", "GET / HTTP/1.2\r\nHost: localhost\r\n\r\n" + next},
    {"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {"TlsHello", std::string("\x16\x03\x01\x02\x00", 5)},
    {"RequestLineTooLong", "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n" + next,
     414},
    {"HeaderTooLong",
     "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20000, 'a') + "\r\n\r\n" + next, 431},
    {"UnknownExpectation", with("Expect: miracles\r\nContent-Length: 0\r\n"), 417},
    {"ChunkSizeNotHex", with("Transfer-Encoding: chunked\r\n", "zz\r\nhello\r\n0\r\n\r\n")},
    {"ChunkSizeTooLarge", with("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\nhello\r\n0\r\n\r\n")},
    {"ChunkExtensionOf100Kilobytes",
     with("Transfer-Encoding: chunked\r\n", "5;" + std::string(100000, 'x') + "\r\nhello\r\n0\r\n\r\n")},
    {"ChunkExtensionWhole",
     with("Transfer-Encoding: chunked\r\n", "5;a=" + std::string(1000, 'x') + "\r\nhello\r\n0\r\n\r\n")},
    {"BodyOverTheLimit", with("Content-Length: 9000000\r\n"), 413},
    {"ChunksOverTheLimit",
     with("Transfer-Encoding: chunked\r\n", "900000\r\n" + std::string(0x900000, 'x') + "\r\n0\r\n\r\n"),
     413},
};

class MalformedRequest : public HttpServer, public ::testing::WithParamInterface<Vector> {};

TEST_P(MalformedRequest, IsRefusedAndTheConnectionCloses) {
    int handled = 0;
    auto count = [&handled](Request, ResponseWriter& out) -> boost::asio::awaitable<void> {
        ++handled;
        co_await out.send_text(200, "handled");
    };
    add_route("GET", "/", count);
    add_route("GET", "/second", count);
    add_route("POST", "/echo", count);
    start();
    Client client = connect();
    client.send(GetParam().bytes);
    const std::string answer = client.read_to_end();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::to_string(GetParam().status) + " "))
        << answer.substr(0, 200);
    EXPECT_NE(answer.find("{\"code\":"), std::string::npos) << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos);
    stop();
    EXPECT_EQ(handled, 0);
}

INSTANTIATE_TEST_SUITE_P(Vectors, MalformedRequest, ::testing::ValuesIn(vectors),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(HttpServer, RefusesMoreThanAHundredFields) {
    start();
    std::string request = "GET / HTTP/1.1\r\nHost: localhost\r\n";
    for (int i = 0; i < 100; ++i) {
        request += "X-" + std::to_string(i) + ": 1\r\n";
    }
    Client client = connect();
    client.send(request + "\r\n");
    EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 431 "));
}

TEST_F(HttpServer, ClosesAConnectionWhoseHeadDoesNotEnd) {
    limits_.header_deadline = std::chrono::milliseconds(50);
    start();
    Client client = connect();
    client.send("GET / HTTP/1.1\r\nHost: loc");
    EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(HttpServer, ClosesAnIdleConnection) {
    limits_.idle = std::chrono::milliseconds(50);
    start();
    Client client = connect();
    EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(HttpServer, GivesUpOnABodyThatDoesNotArrive) {
    limits_.body_grace = std::chrono::milliseconds(50);
    add_route("POST", "/", [](Request, ResponseWriter& out) -> boost::asio::awaitable<void> {
        co_await out.send_text(200, "");
    });
    start();
    Client client = connect();
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
    EXPECT_EQ(client.read_to_end(), "");
}

} // namespace
} // namespace hearth::daemon::http::testing
