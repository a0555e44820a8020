#include "protocol/client.hpp"

#include "base/error.hpp"
#include "protocol/error_table.hpp"
#include "protocol/ndjson.hpp"
#include "protocol/socket_stream.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace hearth::protocol {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

constexpr std::size_t max_error_bytes = 1u << 20;
constexpr std::size_t max_answer_bytes = 256u << 20;

/// Beast's parser, with the body handed on as it comes.
class ResponseParser final : public http::basic_parser<false> {
  public:
    explicit ResponseParser(std::function<void(int, std::string_view)> on_body)
        : on_body_(std::move(on_body)) {
        body_limit(boost::none);
        eager(true);
    }
    int status() const noexcept { return status_; }

  private:
    void on_request_impl(http::verb, string_view, string_view, int, error_code&) override {}
    void on_response_impl(int code, string_view, int, error_code&) override { status_ = code; }
    void on_field_impl(http::field, string_view, string_view, error_code&) override {}
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(string_view body, error_code&) override { return take(body); }
    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override {
        return take(body);
    }
    void on_finish_impl(error_code&) override {}

    std::size_t take(string_view body) {
        on_body_(status_, std::string_view(body.data(), body.size()));
        return body.size();
    }

    std::function<void(int, std::string_view)> on_body_;
    int status_ = 0;
};

std::string request_text(const ClientRequest& request) {
    std::string text = request.method + " " + request.target + " HTTP/1.1\r\n";
    text += "Host: localhost\r\nUser-Agent: hearth/" HEARTH_VERSION "\r\nConnection: close\r\n";
    if (!request.body.empty() || request.method != "GET") {
        text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(request.body.size()) +
                "\r\n";
    }
    return text + "\r\n" + request.body;
}

[[noreturn]] void throw_broken_answer() {
    throw Error(ErrorCode::daemon_unreachable,
                "the service closed the connection before its answer was complete",
                "run the command again; the service's log says what happened");
}

void check(const error_code& failure) {
    if (failure && failure != http::error::need_more) {
        throw Error(ErrorCode::protocol, "the service's answer is not HTTP: " + failure.message());
    }
}

/// Reads until the answer is complete.
void read_answer(SocketStream& stream, ResponseParser& parser) {
    std::string pending; // bytes that the parser could not use yet: a header line cut in two
    std::array<char, 64u << 10> buffer;
    while (!parser.is_done()) {
        const std::size_t got = stream.receive(buffer);
        error_code failure;
        if (got == 0 && !parser.got_some()) { // Beast asserts that something came
            throw_broken_answer();
        }
        if (got == 0) {
            parser.put_eof(failure);
            if (failure || !parser.is_done()) {
                throw_broken_answer();
            }
            return;
        }
        pending.append(buffer.data(), got);
        std::size_t used = 0;
        do {
            used = parser.put(boost::asio::buffer(pending), failure);
            pending.erase(0, used);
            check(failure);
        } while (used > 0 && !pending.empty() && !parser.is_done());
    }
}

/// The value in an answer's line or body; what is no JSON is the service's mistake, not the user's.
Json parse_answer(std::string_view text) {
    try {
        return parse_json(text, "the service's answer");
    } catch (const Error& error) {
        throw Error(ErrorCode::protocol, error.what());
    }
}

} // namespace

Client::Client(std::filesystem::path socket, int interrupt_fd)
    : socket_(std::move(socket)), interrupt_fd_(interrupt_fd) {}

bool Client::reachable() const {
    try {
        const SocketStream stream(socket_, interrupt_fd_, std::nullopt);
        return true;
    } catch (const Error& error) {
        if (error.code() != ErrorCode::daemon_unreachable) {
            throw;
        }
        return false;
    }
}

void Client::stream_bytes(const ClientRequest& request, const BytesHandler& on_bytes) const {
    SocketStream stream(socket_, interrupt_fd_, request.limit);
    std::string error_body;
    const auto take = [&](int status, std::string_view bytes) {
        if (status < 400) {
            on_bytes(bytes);
        } else if (error_body.size() + bytes.size() <= max_error_bytes) {
            error_body.append(bytes);
        }
    };
    ResponseParser parser(take);
    stream.send(request_text(request));
    read_answer(stream, parser);
    if (parser.status() >= 400) {
        throw error_from_json(error_body, parser.status());
    }
}

Json Client::ask(const ClientRequest& request) const {
    std::string body;
    stream_bytes(request, [&](std::string_view bytes) {
        if (body.size() + bytes.size() > max_answer_bytes) {
            throw Error(ErrorCode::protocol, "the service's answer is too large");
        }
        body.append(bytes);
    });
    return body.empty() ? Json() : parse_answer(body);
}

Json Client::get(const std::string& target) const {
    ClientRequest request;
    request.target = target;
    return ask(request);
}

Json Client::post(const std::string& target, const Json& body) const {
    ClientRequest request;
    request.method = "POST";
    request.target = target;
    request.body = to_text(body);
    return ask(request);
}

void Client::stream_lines(const ClientRequest& request, const JsonHandler& on_value) const {
    LineSplitter lines([&](std::string_view line) {
        const Json value = parse_answer(line);
        if (value.is_object() && value.contains("error")) {
            throw error_from_json(std::string(line), 500);
        }
        on_value(value);
    });
    stream_bytes(request, [&](std::string_view bytes) { lines.feed(bytes); });
    lines.finish();
}

void Client::stream_events(const ClientRequest& request, const EventHandler& on_event) const {
    SseSplitter events(on_event);
    stream_bytes(request, [&](std::string_view bytes) { events.feed(bytes); });
}

} // namespace hearth::protocol
