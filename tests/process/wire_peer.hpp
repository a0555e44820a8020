#pragma once

#include "base/unique_fd.hpp"
#include "process/spawn.hpp"
#include "process/wire/connection.hpp"
#include "process/wire/server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <optional>
#include <string>
#include <thread>

namespace hearth::process::wire {

inline void run_on(boost::asio::io_context& io, boost::asio::awaitable<void> work) {
    std::future<void> result = boost::asio::co_spawn(io, std::move(work), boost::asio::use_future);
    io.restart();
    while (result.wait_for(std::chrono::seconds(0)) != std::future_status::ready && io.run_one() > 0) {
    }
    result.get();
}

template <class T>
boost::asio::awaitable<void> store(boost::asio::awaitable<T> work, std::optional<T>* result) {
    result->emplace(co_await std::move(work));
}

/// Runs a coroutine to its end and gives its result or exception.
template <class T> T run_on(boost::asio::io_context& io, boost::asio::awaitable<T> work) {
    std::optional<T> result;
    run_on(io, store(std::move(work), &result));
    return std::move(*result);
}

/// A child of the wire on a thread of this process, and the core's connection to it.
class WirePeer {
  public:
    explicit WirePeer(std::function<void(ServerStream&)> handler, ServerOptions options = default_options()) {
        auto [ours, theirs] = socket_pair();
        connection_ = std::make_unique<Connection>(io_.get_executor(), std::move(ours), "runner");
        server_ = std::thread([this, socket = std::move(theirs), options = std::move(options),
                               handler = std::move(handler)]() mutable {
            try {
                serve(std::move(socket), options, std::move(handler));
            } catch (...) {
                server_failure_ = std::current_exception();
            }
        });
    }
    ~WirePeer() { stop(); }

    static ServerOptions default_options() {
        return {.role = "runner", .hello_extra = {}, .max_threads = 64, .on_eof = {}};
    }

    boost::asio::io_context& io() { return io_; }
    Connection& connection() { return *connection_; }
    void handshake() { run_on(io_, connection_->handshake()); }
    void run(boost::asio::awaitable<void> work) { run_on(io_, std::move(work)); }
    template <class T> T run(boost::asio::awaitable<T> work) { return run_on(io_, std::move(work)); }
    /// Ends both sides. @return what `serve` threw
    std::exception_ptr stop() {
        if (server_.joinable()) {
            run_on(io_, connection_->stop());
            server_.join();
        }
        return server_failure_;
    }

  private:
    boost::asio::io_context io_;
    std::unique_ptr<Connection> connection_;
    std::thread server_;
    std::exception_ptr server_failure_;
};

inline std::vector<UniqueFd> no_fds() {
    return {};
}

/// Ends with the request's own head.
inline void echo_head(ServerStream& stream) {
    stream.end(stream.head());
}

inline boost::asio::awaitable<Stream> open(Connection* connection, std::string head) {
    co_return co_await connection->open(std::move(head), std::string(), no_fds());
}

inline boost::asio::awaitable<std::string> call(Connection* connection, std::string head) {
    Event event = co_await connection->call(std::move(head), std::string(), no_fds());
    co_return event.head;
}

inline boost::asio::awaitable<std::size_t> count_bytes(Stream* stream) {
    std::size_t total = 0;
    while (true) {
        Event event = co_await stream->receive();
        if (event.kind == Event::Kind::end) {
            co_return total;
        }
        total += event.body.size();
    }
}

} // namespace hearth::process::wire
