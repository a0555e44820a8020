#pragma once

#include "base/unique_fd.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace hearth::daemon::http {

class Certificate;

/// One accepted stream socket of any family, plain or with TLS, with a time limit on every read and write. Owned by
/// its Session, on the io executor.
class Connection {
  public:
    /// @param socket       a connected stream socket
    /// @param certificate  with it we speak TLS; outlives the connection
    Connection(boost::asio::any_io_executor executor, UniqueFd socket,
               const Certificate* certificate = nullptr);
    ~Connection();
    Connection(const Connection&) = delete;

    /// Agrees with the client on the terms of TLS; nothing on a plain connection. Before anything else.
    /// @throws Error timeout; cancelled when the client left or speaks something else
    boost::asio::awaitable<void> shake_hands(std::chrono::steady_clock::duration limit);
    /// Appends what has arrived, at most 64 KiB, to `buffer`. @return bytes read; 0 at the end of the
    /// client's side
    /// @throws Error timeout; cancelled when the connection was closed or broke
    boost::asio::awaitable<std::size_t> read_some(std::string& buffer,
                                                  std::chrono::steady_clock::duration limit);
    /// Writes everything; `limit` is for each piece that the socket takes. @throws Error timeout, cancelled
    boost::asio::awaitable<void> write(std::string bytes, std::chrono::steady_clock::duration limit);
    /// Returns when the client has closed both directions (or the socket broke); a client that only ended its
    /// sending side is still waiting for its answer. Over TCP both look the same, so it is probed; over TLS the end
    /// is part of what is encrypted, so that what comes is read ahead, and one that ended its side has left.
    /// Cancellable.
    boost::asio::awaitable<void> wait_closed();
    /// Appends what `wait_closed` read ahead.
    void take_early(std::string& buffer);
    /// Ends our side, then reads and drops what the client still sends, so that it can read our last answer.
    /// At most one second.
    boost::asio::awaitable<void> close_gently();
    /// At once; reads and writes that wait throw cancelled.
    void close();

  private:
    struct State;
    static boost::asio::awaitable<std::size_t> read_tls(std::shared_ptr<State> state, std::string& buffer);
    static boost::asio::awaitable<void> wait_closed_tls(std::shared_ptr<State> state);

    std::shared_ptr<State>
        state_; // shared with the timer's handler, which may run once more after the connection is gone
};

} // namespace hearth::daemon::http
