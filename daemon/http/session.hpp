#pragma once

#include "daemon/http/body_source.hpp"
#include "daemon/http/connection.hpp"
#include "daemon/http/head.hpp"
#include "daemon/http/limits.hpp"
#include "daemon/http/peer.hpp"
#include "daemon/http/router.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>

namespace hearth::daemon::http {

/// One client connection: reads requests one after the other, answers each, and cancels an answer whose
/// client went away. On the io executor; lives as long as its `run`, which the server's task group owns.
class Session {
  public:
    /// Router and limits outlive the session, and so does the door that the peer came by.
    Session(boost::asio::any_io_executor executor, UniqueFd socket, const Router& router,
            const Limits& limits, Peer peer);
    Session(const Session&) = delete;

    /// Until the client leaves, breaks a rule, or the server drains.
    boost::asio::awaitable<void> run();
    /// No further request: closes at once when idle, else after the answer that is under way.
    void drain();
    const Peer& peer() const noexcept { return peer_; }
    /// The token by which the request that is being served came in; empty without one.
    const std::string& token_id() const noexcept { return token_id_; }
    /// At once, in the middle of an answer.
    void close() { connection_.close(); }

  private:
    /// A request as far as it was read before its handler runs.
    struct Received {
        Router::Match match;
        std::unique_ptr<BodySource> upload; ///< where the handler takes the body itself
        bool answered = false;              ///< it only asked whether a page may ask
    };

    boost::asio::awaitable<std::optional<Head>> read_head(HeadFault& fault);
    /// @throws Error too_large, invalid_argument (bad chunks), timeout, cancelled
    boost::asio::awaitable<std::string> read_body(Head head, std::uint64_t limit);
    /// The rules of a TCP door, in their order, before a byte of the body is read.
    /// @return whether the request is answered already: it only asked whether a page may ask
    /// @throws Error what is answered
    boost::asio::awaitable<bool> admit(const Head& head, Request& request, ResponseWriter& out);
    /// The door's rules, the route and, unless the handler takes it itself, the body.
    /// @throws Error what is answered
    boost::asio::awaitable<Received> receive(const Head& head, Request& request, ResponseWriter& out);
    /// By the handler of the route that was found. @return whether the connection stays open
    boost::asio::awaitable<bool> answer(Received received, Request request, ResponseWriter& out);
    /// The rule of the token. @throws Error token_required
    boost::asio::awaitable<void> check_token(const Head& head, Request& request, ResponseWriter& out);
    /// Whether the door's own site has the path, and not the API.
    bool is_of_site(const Head& head) const;
    /// One request with its answer. @return whether the connection stays open
    boost::asio::awaitable<bool> serve(Head head);
    boost::asio::awaitable<void> refuse(HeadFault fault);
    /// The handler, with every exception turned into an answer.
    boost::asio::awaitable<void> handle(const Route* route, const Handler& handler, Request request,
                                        ResponseWriter& out);
    /// A request whose handler takes the body itself.
    boost::asio::awaitable<void> handle_upload(const Route* route, Request request, BodySource body,
                                               ResponseWriter& out);

    Connection connection_;
    const Router& router_;
    const Limits& limits_;
    Peer peer_;
    std::string token_id_;
    std::string buffer_;        ///< bytes that have arrived and are not used yet
    std::size_t pipelined_ = 0; ///< requests in a row that had arrived before their turn
    bool idle_ = true;
    bool draining_ = false;
};

} // namespace hearth::daemon::http
