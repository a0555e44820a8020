#pragma once

#include "base/async/event.hpp"
#include "base/error.hpp"
#include "process/wire/connection.hpp"
#include "process/wire/frame.hpp"
#include "process/wire/socket_io.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

/// What Connection and Stream share. Internal to the wire.
namespace hearth::process::wire {

class Channel;

/// One stream as the core sees it. Shared by its Stream and, while the stream is open, by the channel's
/// table.
struct StreamState {
    StreamState(const boost::asio::any_io_executor& executor, std::weak_ptr<Channel> owner,
                std::uint32_t number)
        : channel(std::move(owner)), id(number), changed(executor) {}

    std::weak_ptr<Channel> channel;
    std::uint32_t id;
    std::deque<Event> events;     ///< arrived, not yet received; `end` is the last
    std::optional<Error> failure; ///< thrown once `events` is empty
    bool open = true;             ///< the child may still send
    bool cancel_sent = false;
    std::uint64_t send_window = initial_window_bytes;
    std::uint64_t receive_window = initial_window_bytes;
    std::uint32_t credit_due = 0; ///< body bytes received and not yet credited
    AsyncEvent changed;
};

/// The socket, the queue of frames to send and the table of streams. One executor; held by the Connection and
/// by the handlers that wait for the socket, which end when it is closed.
class Channel : public std::enable_shared_from_this<Channel> {
  public:
    Channel(boost::asio::any_io_executor executor, UniqueFd socket, std::string peer);

    /// Sends our hello and begins to read. Once.
    void start();
    /// Closes the socket and fails every open stream with runner_lost and `reason`. Idempotent.
    void close(const Error& reason);
    bool is_open() const noexcept { return open_; }
    bool has_work() const noexcept { return pending_handlers_ > 0; }
    bool is_congested() const noexcept;
    const Error& close_reason() const { return *close_reason_; }
    const std::optional<std::string>& hello() const noexcept { return hello_; }
    const std::string& peer() const noexcept { return peer_; }
    AsyncEvent& changed() noexcept { return changed_; }

    /// @throws Error  runner_lost when closed; protocol when the request breaks a limit
    std::shared_ptr<StreamState> open_stream(std::string head, std::string body, std::vector<UniqueFd> fds);
    /// Queues a frame and writes as much as the socket takes at once. Does nothing when closed.
    void send(FrameType type, std::uint32_t stream, const std::string& head, std::string body,
              std::vector<UniqueFd> fds);
    void send_credit(StreamState& stream);
    void send_cancel(StreamState& stream);
    /// Nobody listens to this stream any more: cancels it if it is open, and what still comes is ignored.
    void forget(StreamState& stream);
    /// The error of a stream or call that finds the channel closed.
    Error lost() const;

  private:
    struct Outgoing {
        std::string header;
        std::string body;
        std::vector<UniqueFd> fds;
        std::size_t sent = 0;

        std::size_t size() const noexcept { return header.size() + body.size(); }
    };

    void wait_readable();
    void read();
    void wait_writable();
    void write();
    bool write_once();
    void consume(std::size_t sent);
    void run_handler(const std::function<void()>& work);
    void dispatch(Frame frame);
    void dispatch_to(StreamState& stream, Frame frame);
    void take_data(StreamState& stream, Frame frame);
    void finish(StreamState& stream);

    boost::asio::any_io_executor executor_;
    boost::asio::local::stream_protocol::socket socket_;
    std::string peer_;
    bool open_ = true;
    bool waiting_writable_ = false;
    int pending_handlers_ = 0;
    std::optional<Error> close_reason_;
    std::optional<std::string> hello_;
    FrameDecoder decoder_;
    std::deque<Outgoing> queue_;
    std::size_t queued_bytes_ = 0;
    std::uint32_t next_stream_ = 1;
    std::unordered_map<std::uint32_t, std::shared_ptr<StreamState>> streams_;
    AsyncEvent changed_; ///< hello came, congestion went, closed, or a handler ended
};

} // namespace hearth::process::wire
