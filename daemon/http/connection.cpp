#include "daemon/http/connection.hpp"

#include "base/error.hpp"
#include "daemon/http/tls/tls_stream.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdint>
#include <utility>

namespace hearth::daemon::http {

namespace asio = boost::asio;

namespace {
constexpr std::size_t read_piece_bytes = 64u << 10;
static_assert(read_piece_bytes >= TlsStream::least_read_bytes);
constexpr std::size_t early_bytes = 64u << 10;
constexpr std::uint64_t drain_bytes = 80u << 20;
constexpr auto drain_time = std::chrono::seconds(1);
} // namespace

struct Connection::State {
    using Socket = asio::generic::stream_protocol::socket;

    State(asio::any_io_executor executor, int descriptor)
        : socket(executor), read_timer(executor), write_timer(executor) {
        sockaddr_storage address{};
        socklen_t length = sizeof address;
        ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length);
        socket.assign(asio::generic::stream_protocol(address.ss_family, 0), descriptor);
        socket.non_blocking(true);
        tcp = address.ss_family == AF_INET || address.ss_family == AF_INET6;
        if (tcp) {
            const int on = 1; // a token leaves when it is there; a client that vanished is noticed one day
            ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            ::setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        }
    }

    void close() {
        if (tls && socket.is_open()) {
            tls->end();
        }
        boost::system::error_code ignored;
        socket.close(ignored);
    }

    Socket socket;
    asio::steady_timer read_timer;
    asio::steady_timer write_timer;
    bool tcp = false;
    bool expired = false;
    std::unique_ptr<TlsStream> tls;
    std::string early; ///< TLS: what came while nobody read
};

namespace {

/// Closes the connection when it is not destroyed within the limit.
template <class State> class Deadline {
  public:
    Deadline(const std::shared_ptr<State>& state, asio::steady_timer& timer,
             std::chrono::steady_clock::duration limit)
        : timer_(timer), live_(std::make_shared<bool>(true)) {
        timer_.expires_after(limit);
        timer_.async_wait(
            [weak = std::weak_ptr<State>(state), live = live_](boost::system::error_code error) {
                auto locked = weak.lock();
                if (!error && *live && locked) {
                    locked->expired = true;
                    locked->close();
                }
            });
    }
    Deadline(const Deadline&) = delete;
    ~Deadline() {
        *live_ = false;
        timer_.cancel();
    }

  private:
    asio::steady_timer& timer_;
    std::shared_ptr<bool> live_; // read by a handler that may already be queued when the deadline is lifted
};

/// Over TCP the end of the client's sending side is all that a closed client shows, until something is sent to
/// it: then its system answers with a reset. An urgent byte is such a thing, and one that a client which still
/// waits for its answer does not find in its stream.
void probe_after_end(int socket) {
    char next = 0;
    if (::recv(socket, &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
        [[maybe_unused]] const auto sent = ::send(socket, "", 1, MSG_OOB | MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

[[noreturn]] void throw_broken(bool expired, const char* doing) {
    if (expired) {
        throw Error(ErrorCode::timeout, std::string("the client was too slow ") + doing);
    }
    throw Error(ErrorCode::cancelled, "the client went away");
}

} // namespace

Connection::Connection(asio::any_io_executor executor, UniqueFd socket, const Certificate* certificate)
    : state_(std::make_shared<State>(executor, socket.get())) {
    const int descriptor = socket.release();
    if (certificate != nullptr) {
        state_->tls = std::make_unique<TlsStream>(*certificate, descriptor);
    }
}

Connection::~Connection() {
    state_->close();
}

namespace {

/// Until the socket is as a try of TLS wants it. @return whether it still stands
template <class State>
asio::awaitable<bool> wait_as_wanted(std::shared_ptr<State> state, Moved::Outcome wanted) {
    const auto kind =
        wanted == Moved::Outcome::wait_write ? State::Socket::wait_write : State::Socket::wait_read;
    boost::system::error_code error;
    auto ready = asio::redirect_error(asio::use_awaitable, error);
    co_await state->socket.async_wait(kind, ready);
    co_return !error && state->socket.is_open();
}

bool must_wait(const Moved& moved) {
    return moved.outcome == Moved::Outcome::wait_read || moved.outcome == Moved::Outcome::wait_write;
}

} // namespace

asio::awaitable<void> Connection::shake_hands(std::chrono::steady_clock::duration limit) {
    auto state = state_;
    if (!state->tls) {
        co_return;
    }
    Deadline deadline(state, state->read_timer, limit);
    Moved moved = state->tls->handshake();
    while (must_wait(moved) && co_await wait_as_wanted(state, moved.outcome)) {
        moved = state->tls->handshake();
    }
    if (moved.outcome != Moved::Outcome::done) {
        throw_broken(state->expired, "agreeing on TLS");
    }
}

/// Waits first: an idle connection must not hold 64 KiB.
asio::awaitable<std::size_t> Connection::read_tls(std::shared_ptr<State> state, std::string& buffer) {
    const std::size_t before = buffer.size();
    Moved moved{Moved::Outcome::wait_read, 0};
    while (must_wait(moved)) {
        if (state->early.empty() && !co_await wait_as_wanted(state, moved.outcome)) {
            break;
        }
        if (!state->early.empty()) {
            buffer += std::exchange(state->early, {});
            co_return buffer.size() - before;
        }
        buffer.resize(before + read_piece_bytes);
        moved = state->tls->read(buffer.data() + before, read_piece_bytes);
        buffer.resize(before + moved.bytes);
    }
    if (moved.outcome != Moved::Outcome::done && moved.outcome != Moved::Outcome::ended) {
        throw_broken(state->expired, "sending");
    }
    co_return moved.bytes;
}

asio::awaitable<std::size_t> Connection::read_some(std::string& buffer,
                                                   std::chrono::steady_clock::duration limit) {
    auto state = state_;
    Deadline deadline(state, state->read_timer, limit);
    if (state->tls) {
        co_return co_await read_tls(state, buffer);
    }
    const std::size_t before = buffer.size();
    // Small first: an idle connection must not hold 64 KiB.
    boost::system::error_code error;
    auto readable = asio::redirect_error(asio::use_awaitable, error);
    co_await state->socket.async_wait(State::Socket::wait_read, readable);
    std::size_t length = 0;
    if (!error) {
        buffer.resize(before + read_piece_bytes);
        length = state->socket.read_some(asio::buffer(buffer.data() + before, read_piece_bytes), error);
        buffer.resize(before + length);
        if (error == asio::error::would_block) {
            error = {};
            auto arrived = asio::redirect_error(asio::use_awaitable, error);
            buffer.resize(before + read_piece_bytes);
            auto space = asio::buffer(buffer.data() + before, read_piece_bytes);
            length = co_await state->socket.async_read_some(space, arrived);
            buffer.resize(before + length);
        }
    }
    if (error == asio::error::eof) {
        co_return 0;
    }
    if (error) {
        throw_broken(state->expired, "sending");
    }
    co_return length;
}

asio::awaitable<void> Connection::write(std::string bytes, std::chrono::steady_clock::duration limit) {
    auto state = state_;
    for (std::size_t sent = 0; sent < bytes.size();) {
        Deadline deadline(state, state->write_timer, limit);
        if (state->tls) {
            Moved moved = state->tls->write(bytes.data() + sent, bytes.size() - sent);
            while (must_wait(moved) && co_await wait_as_wanted(state, moved.outcome)) {
                moved = state->tls->write(bytes.data() + sent, bytes.size() - sent);
            }
            if (moved.outcome != Moved::Outcome::done) {
                throw_broken(state->expired, "reading");
            }
            sent += moved.bytes;
            continue;
        }
        boost::system::error_code error;
        auto done = asio::redirect_error(asio::use_awaitable, error);
        auto rest = asio::buffer(bytes.data() + sent, bytes.size() - sent);
        sent += co_await state->socket.async_write_some(rest, done);
        if (error) {
            throw_broken(state->expired, "reading");
        }
    }
}

void Connection::take_early(std::string& buffer) {
    buffer += std::exchange(state_->early, {});
}

asio::awaitable<void> Connection::wait_closed_tls(std::shared_ptr<State> state) {
    Moved moved{Moved::Outcome::wait_read, 0};
    while (moved.outcome == Moved::Outcome::done || must_wait(moved)) {
        const auto wanted = must_wait(moved) ? moved.outcome : Moved::Outcome::wait_read;
        if (!co_await wait_as_wanted(state, wanted)) {
            co_return;
        }
        const std::size_t before = state->early.size();
        if (before >= early_bytes) { // a client that sends and sends has not left
            boost::system::error_code error;
            auto done = asio::redirect_error(asio::use_awaitable, error);
            co_await state->socket.async_wait(State::Socket::wait_error, done);
            co_return;
        }
        state->early.resize(before + read_piece_bytes);
        moved = state->tls->read(state->early.data() + before, read_piece_bytes);
        state->early.resize(before + moved.bytes);
    }
}

asio::awaitable<void> Connection::wait_closed() {
    // wait_error completes on EPOLLHUP and EPOLLERR (and on out-of-band data, which no client of ours sends),
    // not on a half-close.
    auto state = state_;
    if (state->tls) {
        co_await wait_closed_tls(state);
        co_return;
    }
    boost::system::error_code error;
    if (state->tcp) {
        auto readable = asio::redirect_error(asio::use_awaitable, error);
        co_await state->socket.async_wait(State::Socket::wait_read, readable);
        if (error) {
            co_return;
        }
        probe_after_end(state->socket.native_handle());
    }
    auto done = asio::redirect_error(asio::use_awaitable, error);
    co_await state->socket.async_wait(State::Socket::wait_error, done);
}

asio::awaitable<void> Connection::close_gently() {
    auto state = state_;
    boost::system::error_code error;
    if (state->tls) {
        state->tls->end();
    }
    state->socket.shutdown(State::Socket::shutdown_send, error);
    Deadline deadline(state, state->read_timer, drain_time);
    std::string scratch(read_piece_bytes, '\0');
    for (std::uint64_t dropped = 0; !error && dropped < drain_bytes;) {
        auto done = asio::redirect_error(asio::use_awaitable, error);
        auto space = asio::buffer(scratch);
        dropped += co_await state->socket.async_read_some(space, done);
    }
    state->close();
}

void Connection::close() {
    state_->close();
}

} // namespace hearth::daemon::http
