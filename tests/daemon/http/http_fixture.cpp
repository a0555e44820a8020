#include "tests/daemon/http/http_fixture.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace hearth::daemon::http::testing {

namespace asio = boost::asio;

Client::Client(UniqueFd socket) : socket_(std::move(socket)) {
    timeval limit{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

void Client::send(const std::string& bytes) {
    for (std::size_t sent = 0; sent < bytes.size();) {
        const auto length = ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (length <= 0) {
            return; // the server may refuse before it has read everything
        }
        sent += static_cast<std::size_t>(length);
    }
}

void Client::end_sending() {
    ::shutdown(socket_.get(), SHUT_WR);
}

std::string Client::read_piece(std::size_t limit) {
    std::string piece = std::move(buffer_);
    buffer_.clear();
    if (!piece.empty()) {
        return piece;
    }
    piece.resize(limit);
    const auto length = ::recv(socket_.get(), piece.data(), limit, 0);
    if (length < 0 && errno == EAGAIN) {
        ADD_FAILURE() << "nothing arrived for ten seconds";
    }
    piece.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return piece;
}

std::string Client::read_until(const std::string& text) {
    std::string all;
    while (all.find(text) == std::string::npos) {
        const std::string piece = read_piece();
        if (piece.empty()) {
            ADD_FAILURE() << "the stream ended before \"" << text << "\": " << all;
            return all;
        }
        all += piece;
    }
    const auto end = all.find(text) + text.size();
    buffer_ = all.substr(end) + buffer_;
    return all.substr(0, end);
}

std::string Client::read_to_end() {
    std::string all;
    for (std::string piece = read_piece(); !piece.empty(); piece = read_piece()) {
        all += piece;
    }
    return all;
}

std::string Client::take(std::size_t length) {
    if (length == 0) {
        return {}; // what is buffered stays
    }
    std::string all;
    while (all.size() < length) {
        const std::string piece = read_piece();
        if (piece.empty()) {
            ADD_FAILURE() << "the body is cut";
            return all;
        }
        all += piece;
    }
    buffer_ = all.substr(length);
    return all.substr(0, length);
}

Client::Response Client::read_response(bool head_only) {
    Response response;
    response.head = read_until("\r\n\r\n");
    response.status = response.head.size() > 12 ? std::atoi(response.head.c_str() + 9) : 0;
    if (head_only) {
        return response;
    }
    const auto length = response.head.find("Content-Length: ");
    if (length != std::string::npos) {
        response.body = take(static_cast<std::size_t>(std::atoll(response.head.c_str() + length + 16)));
        return response;
    }
    for (;;) {
        const std::string line = read_until("\r\n");
        const auto size = std::strtoul(line.c_str(), nullptr, 16);
        response.body += take(size);
        take(2);
        if (size == 0) {
            return response;
        }
    }
}

HttpServer::HttpServer() : work_(asio::make_work_guard(io_)) {}

HttpServer::~HttpServer() {
    if (thread_.joinable()) {
        stop();
    }
}

void HttpServer::add_route(std::string method, std::string pattern, Handler handler, Access access,
                           BodySize body) {
    router_.add(Route{std::move(method), std::move(pattern), access, body, std::move(handler)});
}

void HttpServer::start() {
    server_ = std::make_unique<Server>(io_.get_executor(), router_, limits_);
    thread_ = std::thread([this] { io_.run(); });
}

Client HttpServer::connect(Access access) {
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    asio::post(io_, [this, fd = pair[1], access] {
        Peer peer;
        peer.access = access;
        server_->serve(UniqueFd(fd), std::move(peer));
    });
    return Client(UniqueFd(pair[0]));
}

Client::Response HttpServer::get(const std::string& path, Access access) {
    Client client = connect(access);
    client.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return client.read_response();
}

void HttpServer::stop(std::chrono::milliseconds drain) {
    asio::co_spawn(io_, server_->stop(drain), asio::use_future).get();
    work_.reset();
    io_.stop();
    thread_.join();
    server_.reset();
}

std::string post(const std::string& path, const std::string& body, const std::string& more_headers) {
    return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" + more_headers +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

} // namespace hearth::daemon::http::testing
