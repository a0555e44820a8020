#include "daemon/http/body_reader.hpp"

#include "base/error.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>

#include <utility>

namespace hearth::daemon::http {

namespace asio = boost::asio;
namespace beast_http = boost::beast::http;

struct BodyReader::Parser {
    beast_http::request_parser<beast_http::string_body> request;
    /// Kept here: the parser holds a reference.
    std::function<void(std::uint64_t, boost::beast::string_view, boost::beast::error_code&)> on_chunk;
};

namespace {

Error too_large(std::uint64_t limit) {
    return Error(ErrorCode::too_large, fmt::format("the request's body is larger than {} MiB", limit >> 20));
}

} // namespace

BodyReader::BodyReader(const Head& head, std::uint64_t limit, const Limits& limits)
    : parser_(std::make_unique<Parser>()), limit_(limit), buffer_limit_(limits.chunk_extension_bytes + 64) {
    if (head.content_length.value_or(0) > limit) {
        throw too_large(limit);
    }
    auto& request = parser_->request;
    request.eager(true);
    request.body_limit(limit);
    parser_->on_chunk = [most = limits.chunk_extension_bytes](std::uint64_t,
                                                              boost::beast::string_view extensions,
                                                              boost::beast::error_code& error) {
        if (extensions.size() > most) {
            error = beast_http::error::bad_chunk_extension;
        }
    };
    request.on_chunk_header(parser_->on_chunk);
    const std::string framing =
        head.chunked ? std::string("Transfer-Encoding: chunked\r\n\r\n")
                     : fmt::format("Content-Length: {}\r\n\r\n", head.content_length.value_or(0));
    const std::string text = "POST / HTTP/1.1\r\n" + framing;
    boost::beast::error_code error;
    request.put(asio::buffer(text), error);
    if (error && error != beast_http::error::need_more) {
        throw Error(ErrorCode::invalid_argument, "the request's body cannot be read: " + error.message());
    }
}

BodyReader::~BodyReader() = default;

void BodyReader::feed(std::string& buffer) {
    std::size_t used = 0;
    boost::beast::error_code error;
    while (!done() && used < buffer.size() && !error) {
        used += parser_->request.put(asio::buffer(buffer.data() + used, buffer.size() - used), error);
    }
    buffer.erase(0, used);
    if (error == beast_http::error::body_limit) {
        throw too_large(limit_);
    }
    if (error && error != beast_http::error::need_more) {
        throw Error(ErrorCode::invalid_argument,
                    "the request's body is not well-formed chunks: " + error.message());
    }
    // What is left is the beginning of a chunk's header: it may not grow for ever.
    if (!done() && buffer.size() > buffer_limit_) {
        throw Error(ErrorCode::invalid_argument, "the request's body has a chunk header that is too long");
    }
}

bool BodyReader::done() const {
    return parser_->request.is_done();
}

std::string BodyReader::take() {
    return std::exchange(parser_->request.get().body(), {});
}

} // namespace hearth::daemon::http
