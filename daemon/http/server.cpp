#include "daemon/http/server.hpp"

#include "base/async/timeout.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "daemon/http/session.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace hearth::daemon::http {

namespace asio = boost::asio;

namespace {

constexpr auto close_pause = std::chrono::milliseconds(10);
constexpr auto accept_pause = std::chrono::milliseconds(100); // out of descriptors: one may be closed soon

} // namespace

namespace {

/// Keeps a pointer in a set for as long as the coroutine runs that it is of.
template <class T> class Entry {
  public:
    Entry(std::set<T*>& set, T* value) : set_(set), value_(value) { set_.insert(value_); }
    Entry(const Entry&) = delete;
    ~Entry() { set_.erase(value_); }

  private:
    std::set<T*>& set_;
    T* value_;
};

} // namespace

/// A listening socket of any family.
struct Server::Listener {
    asio::basic_socket_acceptor<asio::generic::stream_protocol> acceptor;
    Access access;
    Door* door;
};

Server::Server(asio::any_io_executor executor, const Router& router, Limits limits)
    : executor_(executor), router_(router), limits_(limits), acceptors_(executor), tasks_(executor) {}

Server::~Server() = default;

void Server::listen(UniqueFd socket, Access access) {
    start_accepting(std::move(socket), access, nullptr);
}

void Server::listen(UniqueFd socket, Door& door) {
    start_accepting(std::move(socket), Access::infer, &door);
}

void Server::start_accepting(UniqueFd socket, Access access, Door* door) {
    const int family = door == nullptr ? AF_UNIX : door->endpoint().protocol().family();
    asio::basic_socket_acceptor<asio::generic::stream_protocol> acceptor(
        executor_, asio::generic::stream_protocol(family, 0), socket.get());
    socket.release();
    auto listener = // held by its own coroutine alone
        std::make_shared<Listener>(std::move(acceptor), access, door);
    acceptors_.spawn("accept", accept_loop(std::move(listener)));
}

void Server::serve(UniqueFd socket, Peer peer) {
    tasks_.spawn("session", run_session(std::move(socket), std::move(peer)));
}

bool Server::is_used(const Door& door) const {
    return std::ranges::any_of(sessions_, [&](const Session* session) {
        return session->peer().door == &door && !session->token_id().empty();
    });
}

asio::awaitable<void> Server::close(const Door& door) {
    for (Listener* listener : listeners_) {
        if (listener->door == &door) {
            boost::system::error_code ignored;
            listener->acceptor.close(ignored);
        }
    }
    auto is_of_door = [&](const Session* session) { return session->peer().door == &door; };
    auto listens = [&](const Listener* listener) { return listener->door == &door; };
    while (std::ranges::any_of(sessions_, is_of_door) || std::ranges::any_of(listeners_, listens)) {
        for (Session* session : sessions_) {
            if (is_of_door(session)) {
                session->close();
            }
        }
        co_await sleep_for(close_pause);
    }
}

void Server::close_sessions(std::string_view token_id) {
    for (Session* session : sessions_) {
        if (session->token_id() == token_id) {
            session->close();
        }
    }
}

asio::awaitable<void> Server::accept_loop(std::shared_ptr<Listener> listener) {
    const Entry entry(listeners_, listener.get());
    while (listener->acceptor.is_open()) {
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
        take(UniqueFd(socket.release()), *listener);
    }
}

bool Server::has_room_for(const Peer& peer) const {
    if (sessions_.size() >= limits_.connections) {
        return false;
    }
    if (peer.door == nullptr) {
        return true;
    }
    const auto by_tcp =
        std::ranges::count_if(sessions_, [](const Session* other) { return other->peer().door != nullptr; });
    const auto from_there = std::ranges::count_if(sessions_, [&](const Session* other) {
        return other->peer().door != nullptr && other->peer().remote.address() == peer.remote.address();
    });
    return static_cast<std::size_t>(by_tcp) < limits_.tcp_connections &&
           static_cast<std::size_t>(from_there) < limits_.connections_per_address;
}

void Server::take(UniqueFd socket, const Listener& listener) {
    auto peer = listener.door == nullptr ? read_unix_peer(socket.get(), listener.access)
                                         : read_tcp_peer(socket.get(), *listener.door);
    if (!peer) {
        return;
    }
    if (!has_room_for(*peer)) {
        if (peer->door != nullptr && peer->door->certificate() != nullptr) {
            return; // in plain text it could not read why
        }
        static constexpr std::string_view busy =
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        [[maybe_unused]] const auto sent =
            ::send(socket.get(), busy.data(), busy.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return;
    }
    serve(std::move(socket), std::move(*peer));
}

asio::awaitable<void> Server::run_session(UniqueFd socket, Peer peer) {
    Session session(executor_, std::move(socket), router_, limits_, std::move(peer));
    const Entry entry(sessions_, &session);
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
