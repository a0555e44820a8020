#include "tests/protocol/fake_service.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace hearth::testing {
namespace {

std::size_t content_length(const std::string& head) {
    const std::string name = "Content-Length: ";
    const std::size_t at = head.find(name);
    return at == std::string::npos ? 0 : std::strtoull(head.c_str() + at + name.size(), nullptr, 10);
}

/// Reads a head and the body it announces. Empty method when the client went away before.
FakeExchange read_request(int fd) {
    std::string text;
    std::array<char, 4096> buffer{};
    FakeExchange exchange;
    while (true) {
        const std::size_t end = text.find("\r\n\r\n");
        if (end != std::string::npos && text.size() >= end + 4 + content_length(text.substr(0, end))) {
            const std::size_t first = text.find(' ');
            const std::size_t second = text.find(' ', first + 1);
            exchange.method = text.substr(0, first);
            exchange.target = text.substr(first + 1, second - first - 1);
            exchange.body = text.substr(end + 4);
            return exchange;
        }
        const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (got <= 0) {
            return exchange;
        }
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

} // namespace

void FakeExchange::send(const std::string& bytes) const {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t sent = ::send(fd, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        done += static_cast<std::size_t>(sent);
    }
}

void FakeExchange::answer(int status, const std::string& body_text) const {
    send("HTTP/1.1 " + std::to_string(status) +
         " Status\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body_text.size()) +
         "\r\n\r\n" + body_text);
}

void FakeExchange::begin_chunks() const {
    send("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n");
}

void FakeExchange::chunk(const std::string& bytes) const {
    std::array<char, 32> size{};
    std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
    send(size.data() + bytes + "\r\n");
}

void FakeExchange::end_chunks() const {
    send("0\r\n\r\n");
}

void FakeExchange::wait_for_hangup() const {
    std::array<char, 64> buffer{};
    while (::recv(fd, buffer.data(), buffer.size(), 0) > 0) {
    }
}

FakeService::FakeService(std::filesystem::path socket) : socket_(std::move(socket)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket_.c_str(), sizeof(address.sun_path) - 1);
    listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(listener_.get(), 16) != 0) {
        std::abort();
    }
    lock_.reset(::open((socket_.parent_path() / "hearth.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ::flock(lock_.get(), LOCK_EX | LOCK_NB); // of two in one folder the first has it
    thread_ = std::thread([this] { serve(); });
}

FakeService::~FakeService() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
}

void FakeService::on(const std::string& route, Handler handler) {
    const std::lock_guard lock(mutex_);
    handlers_[route] = std::move(handler);
}

void FakeService::on(const std::string& route, int status, const std::string& body) {
    on(route, [status, body](const FakeExchange& exchange) { exchange.answer(status, body); });
}

void FakeService::on_lines(const std::string& route, std::vector<std::string> lines) {
    on(route, [lines = std::move(lines)](const FakeExchange& exchange) {
        exchange.begin_chunks();
        for (const std::string& line : lines) {
            exchange.chunk(line + "\n");
        }
        exchange.end_chunks();
    });
}

std::vector<FakeExchange> FakeService::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

std::string FakeService::last_body(const std::string& route) const {
    const std::lock_guard lock(mutex_);
    std::string body;
    for (const FakeExchange& request : requests_) {
        if (request.method + " " + request.target == route) {
            body = request.body;
        }
    }
    return body;
}

void FakeService::serve() {
    while (true) {
        const UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!connection) {
            return;
        }
        serve_one(connection.get());
    }
}

void FakeService::serve_one(int fd) {
    FakeExchange exchange = read_request(fd);
    if (exchange.method.empty()) {
        return;
    }
    exchange.fd = fd;
    Handler handler;
    {
        const std::lock_guard lock(mutex_);
        requests_.push_back(exchange);
        const auto found = handlers_.find(exchange.method + " " + exchange.target);
        handler = found == handlers_.end() ? Handler() : found->second;
    }
    if (handler) {
        handler(exchange);
    } else {
        exchange.answer(404, R"({"error":"no such path","code":"route.not_found"})");
    }
}

} // namespace hearth::testing
