#include "daemon/http/response_writer.hpp"

#include "daemon/http/connection.hpp"
#include "protocol/error_table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cassert>
#include <ctime>

namespace hearth::daemon::http {

namespace asio = boost::asio;

namespace {

std::string http_date() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[64];
    const std::size_t length = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return {text, length};
}

/// Of our header values: names of plugins and models come from files.
std::string without_control_characters(std::string value) {
    for (char& c : value) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            c = ' ';
        }
    }
    return value;
}

} // namespace

ResponseWriter::ResponseWriter(Connection& connection, Options options)
    : connection_(connection), options_(options) {
    // Without chunks the end of a stream is the end of the connection.
    if (options_.minor_version == 0) {
        options_.keep_alive = false;
    }
}

void ResponseWriter::set_header(std::string name, std::string value) {
    headers_.emplace_back(std::move(name), without_control_characters(std::move(value)));
}

std::string ResponseWriter::head(int status, const std::string& content_type,
                                 std::optional<std::size_t> length) const {
    std::string text =
        fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", status, reason_phrase(status), http_date());
    if (!content_type.empty()) {
        text += "Content-Type: " + content_type + "\r\n";
    }
    for (const auto& [name, value] : headers_) {
        text += fmt::format("{}: {}\r\n", name, value);
    }
    if (length && status != 204) {
        text += fmt::format("Content-Length: {}\r\n", *length);
    } else if (!length && options_.minor_version == 1) {
        text += "Transfer-Encoding: chunked\r\n";
    }
    text += options_.keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
    return text;
}

asio::awaitable<void> ResponseWriter::send(int status, std::string content_type, std::string body) {
    assert(!head_sent_ && stream_ == Stream::none);
    std::string text = head(status, content_type, body.size());
    if (!options_.head_only) {
        text += body;
    }
    head_sent_ = true;
    finished_ = true;
    co_await connection_.write(std::move(text), options_.write_stall);
}

asio::awaitable<void> ResponseWriter::send_json(int status, Json value) {
    std::string type = "application/json; charset=utf-8";
    std::string body = to_text(value);
    co_await send(status, std::move(type), std::move(body));
}

asio::awaitable<void> ResponseWriter::send_text(int status, std::string text) {
    std::string type = "text/plain; charset=utf-8";
    co_await send(status, std::move(type), std::move(text));
}

void ResponseWriter::begin_ndjson() {
    stream_ = Stream::ndjson;
}

void ResponseWriter::begin_sse() {
    stream_ = Stream::sse;
    set_header("Cache-Control", "no-cache");
}

asio::awaitable<void> ResponseWriter::write_json(Json value) {
    std::string text = stream_ == Stream::sse ? "data: " + to_text(value) + "\n\n" : to_text(value) + "\n";
    co_await write_raw(std::move(text));
}

asio::awaitable<void> ResponseWriter::write_event(std::string name, Json value) {
    std::string text = "event: " + name + "\ndata: " + to_text(value) + "\n\n";
    co_await write_raw(std::move(text));
}

asio::awaitable<void> ResponseWriter::write_raw(std::string text) {
    assert(stream_ != Stream::none && !finished_ && !text.empty()); // an empty chunk would end the stream
    std::string bytes;
    if (!head_sent_) {
        bytes =
            head(200, stream_ == Stream::sse ? "text/event-stream" : "application/x-ndjson", std::nullopt);
        head_sent_ = true;
    }
    if (!options_.head_only) {
        bytes += options_.minor_version == 1 ? fmt::format("{:x}\r\n{}\r\n", text.size(), text) : text;
    }
    co_await connection_.write(std::move(bytes), options_.write_stall);
    if (options_.head_only) { // the head is the whole answer: the handler need not make the rest
        finished_ = true;
        throw Error(ErrorCode::cancelled, "HEAD has no body");
    }
}

asio::awaitable<void> ResponseWriter::finish() {
    if (finished_ || stream_ == Stream::none) {
        co_return;
    }
    std::string bytes;
    if (!head_sent_) {
        bytes =
            head(200, stream_ == Stream::sse ? "text/event-stream" : "application/x-ndjson", std::nullopt);
        head_sent_ = true;
    }
    finished_ = true;
    if (options_.minor_version == 1 && !options_.head_only) {
        bytes += "0\r\n\r\n";
    }
    co_await connection_.write(std::move(bytes), options_.write_stall);
}

std::string ResponseWriter::error_text(const Error& error) const {
    switch (options_.style) {
    case ErrorStyle::openai:
        return to_text(protocol::openai_error_json(error));
    case ErrorStyle::anthropic:
        return to_text(protocol::anthropic_error_json(error));
    case ErrorStyle::hearth:
        break;
    }
    return to_text(protocol::error_json(error));
}

std::string ResponseWriter::error_piece(const Error& error) const {
    if (stream_ != Stream::sse) {
        return error_text(error) + "\n";
    }
    const char* name = options_.style == ErrorStyle::anthropic ? "event: error\n" : "";
    return name + ("data: " + error_text(error) + "\n\n");
}

asio::awaitable<void> ResponseWriter::send_error(Error error) {
    if (!head_sent_) {
        std::string text = error_text(error);
        stream_ = Stream::none;
        std::string type = "application/json; charset=utf-8";
        co_await send(protocol::error_row(error.code()).http_status, std::move(type), std::move(text));
        co_return;
    }
    if (finished_) {
        co_return;
    }
    std::string last = error_piece(error);
    co_await write_raw(std::move(last));
    co_await finish();
}

const char* reason_phrase(int status) noexcept {
    switch (status) {
    case 100:
        return "Continue";
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 204:
        return "No Content";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 413:
        return "Payload Too Large";
    case 414:
        return "URI Too Long";
    case 415:
        return "Unsupported Media Type";
    case 417:
        return "Expectation Failed";
    case 422:
        return "Unprocessable Content";
    case 431:
        return "Request Header Fields Too Large";
    case 499:
        return "Client Closed Request";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    case 507:
        return "Insufficient Storage";
    default:
        return status < 400 ? "OK" : "Error";
    }
}

} // namespace hearth::daemon::http
