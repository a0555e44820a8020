#include "daemon/http/server.hpp"

#include "base/async/timeout.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "daemon/http/session.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace hearth::daemon::http {

namespace asio = boost::asio;

namespace {

constexpr auto accept_pause = std::chrono::milliseconds(100); // out of descriptors: one may be closed soon

/// The file mode keeps others out already; this also holds when somebody loosened it.
bool is_own_user(int socket) {
    ucred peer{};
    socklen_t length = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
        return false;
    }
    if (peer.uid != ::geteuid() && peer.uid != 0) {
        log::warning("http", fmt::format("refused a client of user {} (process {})", peer.uid, peer.pid));
        return false;
    }
    return true;
}

} // namespace

struct Server::Listener {
    asio::local::stream_protocol::acceptor acceptor;
    Access access;
};

Server::Server(asio::any_io_executor executor, const Router& router, Limits limits)
    : executor_(executor), router_(router), limits_(limits), acceptors_(executor), tasks_(executor) {}

Server::~Server() = default;

void Server::listen(UniqueFd socket, Access access) {
    asio::local::stream_protocol::acceptor acceptor(executor_, asio::local::stream_protocol(), socket.get());
    socket.release();
    auto listener =
        std::make_shared<Listener>(std::move(acceptor), access); // held by its own coroutine alone
    acceptors_.spawn("accept", accept_loop(std::move(listener)));
}

void Server::serve(UniqueFd socket, Access access) {
    tasks_.spawn("session", run_session(std::move(socket), access));
}

asio::awaitable<void> Server::accept_loop(std::shared_ptr<Listener> listener) {
    for (;;) {
        boost::system::error_code error;
        auto done = asio::redirect_error(asio::use_awaitable, error);
        auto socket = co_await listener->acceptor.async_accept(executor_, done);
        if (error == asio::error::operation_aborted) {
            co_return;
        }
        if (error) {
            log::warning("http", "accept: " + error.message());
            co_await sleep_for(accept_pause);
            continue;
        }
        take(UniqueFd(socket.release()), listener->access);
    }
}

void Server::take(UniqueFd socket, Access access) {
    if (!is_own_user(socket.get())) {
        return;
    }
    if (sessions_.size() >= limits_.connections) {
        static constexpr std::string_view busy =
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        [[maybe_unused]] const auto sent =
            ::send(socket.get(), busy.data(), busy.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return;
    }
    serve(std::move(socket), access);
}

asio::awaitable<void> Server::run_session(UniqueFd socket, Access access) {
    Session session(executor_, std::move(socket), router_, limits_, access);
    struct Entry {
        Entry(std::set<Session*>& set, Session* value) : sessions(set), self(value) { sessions.insert(self); }
        ~Entry() { sessions.erase(self); }
        std::set<Session*>& sessions;
        Session* self;
    } entry(sessions_, &session);
    if (!draining_) {
        co_await session.run();
    }
}

asio::awaitable<void> Server::stop_accepting() {
    draining_ = true;
    acceptors_.cancel();
    co_await acceptors_.join();
}

asio::awaitable<void> Server::stop(std::chrono::steady_clock::duration drain) {
    co_await stop_accepting();
    const auto sessions = sessions_;
    for (Session* session : sessions) {
        session->drain();
    }
    const auto deadline = std::chrono::steady_clock::now() + drain;
    while (tasks_.running() > 0 && std::chrono::steady_clock::now() < deadline) {
        co_await sleep_for(std::chrono::milliseconds(10));
    }
    tasks_.cancel();
    co_await tasks_.join();
}

} // namespace hearth::daemon::http
