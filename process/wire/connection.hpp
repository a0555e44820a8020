#pragma once

#include "base/json.hpp"
#include "base/unique_fd.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// The core's side of the wire: asynchronous, on one executor.
namespace hearth::process::wire {

class Channel;
struct StreamState;

/// What arrives on a stream.
struct Event {
    enum class Kind { data, end } kind = Kind::data;
    std::string head; ///< JSON text or empty
    std::string body;
    std::vector<UniqueFd> fds;
};

/// One request to a child and its answer. Destroying it before `end` sends `cancel` and drops what still
/// arrives. Same executor as its Connection; may outlive it (then `receive` throws runner_lost).
class Stream {
  public:
    Stream(Stream&&) noexcept;
    Stream& operator=(Stream&&) noexcept;
    ~Stream();

    /// The next event; grants credit for the body it returns. After `end` it must not be called again.
    /// @throws Error  what the child sent as `error`, or runner_lost when the connection closed
    boost::asio::awaitable<Event> receive();
    /// Sends a `data` frame, waiting for credit.
    boost::asio::awaitable<void> send(std::string head, std::string body);
    /// Asks the child to stop; its `end` or `error` still arrives.
    void cancel();

  private:
    friend class Connection;
    explicit Stream(std::shared_ptr<StreamState> state);
    std::shared_ptr<StreamState> state_; // shared with the connection's table while the stream is open
};

class Connection {
  public:
    /// @param socket  our end of a SOCK_STREAM socketpair
    /// @param peer    "runner", "fetch", "launcher": for messages
    Connection(boost::asio::any_io_executor executor, UniqueFd socket, std::string peer);
    /// Closes the socket: the child sees EOF and exits. Streams still open throw runner_lost.
    ~Connection();
    Connection(const Connection&) = delete;

    /// Exchanges hello frames. @throws Error protocol (other version), runner_lost (EOF), timeout after 10 s
    boost::asio::awaitable<void> handshake();
    /// The child's hello, a JSON object text: {"protocol", "role", "version", …what its ServerOptions add}.
    /// After `handshake`.
    const std::string& peer_hello() const;
    /// Starts a stream. @throws Error runner_lost when the connection is closed already
    boost::asio::awaitable<Stream> open(std::string head, std::string body, std::vector<UniqueFd> fds);
    /// `open`, then the one `end` event: for calls with a single answer.
    boost::asio::awaitable<Event> call(std::string head, std::string body, std::vector<UniqueFd> fds);

    bool is_open() const noexcept;
    /// Returns when the connection has ended (EOF, protocol error or close()).
    boost::asio::awaitable<void> wait_closed();
    void close();
    /// Closes and waits for the connection's own handlers. Await it before destruction.
    boost::asio::awaitable<void> stop();

  private:
    std::shared_ptr<Channel> channel_; // the handlers that wait for the socket hold it until they end
};

} // namespace hearth::process::wire
