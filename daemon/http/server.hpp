#pragma once

#include "base/async/task_group.hpp"
#include "base/unique_fd.hpp"
#include "daemon/http/door.hpp"
#include "daemon/http/limits.hpp"
#include "daemon/http/peer.hpp"
#include "daemon/http/router.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <set>

namespace hearth::daemon::http {

class Session;

/// Accepts clients on listening sockets and runs their sessions. On the io executor; `stop` is awaited before
/// destruction.
class Server {
  public:
    /// The router outlives the server.
    Server(boost::asio::any_io_executor executor, const Router& router, Limits limits = {});
    ~Server();
    Server(const Server&) = delete;

    /// Starts to accept on a listening Unix socket. Clients of another user than ours or root are refused.
    void listen(UniqueFd socket, Access access);
    /// The same on a TCP socket. The door outlives the server.
    void listen(UniqueFd socket, Door& door);
    /// Serves one socket that is connected already.
    void serve(UniqueFd socket, Peer peer);
    /// Accepts no more by that door and ends what its clients are being answered. When it returns, nothing refers to
    /// the door any more; when it is cancelled, something may.
    boost::asio::awaitable<void> close(const Door& door);
    /// Whether a client is connected by that door who has shown a token.
    bool is_used(const Door& door) const;
    /// Ends what clients with that token are being answered.
    void close_sessions(std::string_view token_id);

    /// Closes the listening sockets. `stop` does it too.
    boost::asio::awaitable<void> stop_accepting();
    /// Accepts no more, lets answers that are under way end within `drain`, then cancels them.
    boost::asio::awaitable<void> stop(std::chrono::steady_clock::duration drain);
    std::size_t connections() const noexcept { return sessions_.size(); }

  private:
    struct Listener;

    boost::asio::awaitable<void> accept_loop(std::shared_ptr<Listener> listener);
    boost::asio::awaitable<void> run_session(UniqueFd socket, Peer peer);
    void start_accepting(UniqueFd socket, Access access, Door* door);
    void take(UniqueFd socket, const Listener& listener);
    bool has_room_for(const Peer& peer) const;

    boost::asio::any_io_executor executor_;
    const Router& router_;
    Limits limits_;
    TaskGroup acceptors_;
    TaskGroup tasks_;
    std::set<Listener*> listeners_; ///< each removes itself when its loop ends
    std::set<Session*> sessions_;   ///< each removes itself when its run ends
    bool draining_ = false;
};

} // namespace hearth::daemon::http
