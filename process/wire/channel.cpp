#include "process/wire/channel.hpp"

#include "base/log.hpp"
#include "process/wire/messages.hpp"

#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace hearth::process::wire {

namespace {

namespace asio = boost::asio;

constexpr std::size_t congested_bytes = 4u << 20;
constexpr int receives_per_turn = 8; // then other coroutines of the executor get theirs
constexpr std::size_t frames_per_write = 32;

std::uint32_t decode_credit(const std::string& body) {
    std::uint32_t value = 0;
    for (std::size_t index = 4; index-- > 0;) {
        value = value << 8 | static_cast<unsigned char>(body[index]);
    }
    return value;
}

} // namespace

Channel::Channel(asio::any_io_executor executor, UniqueFd socket, std::string peer)
    : executor_(std::move(executor)), socket_(executor_), peer_(std::move(peer)), changed_(executor_) {
    socket_.assign(asio::local::stream_protocol(), socket.get());
    socket.release();
}

void Channel::start() {
    send(FrameType::hello, 0, hello_head("core", {}), {}, {});
    if (open_) {
        wait_readable();
    }
}

void Channel::close(const Error& reason) {
    if (!open_) {
        return;
    }
    open_ = false;
    close_reason_ = reason;
    boost::system::error_code ignored;
    socket_.close(ignored);
    queue_.clear();
    queued_bytes_ = 0;
    const auto streams = std::move(streams_);
    streams_.clear();
    for (const auto& [id, stream] : streams) {
        stream->failure = lost();
        stream->open = false;
        stream->changed.notify_all();
    }
    changed_.notify_all();
}

Error Channel::lost() const {
    if (!close_reason_) {
        return {ErrorCode::runner_lost, fmt::format("the {} process is gone", peer_)};
    }
    return {ErrorCode::runner_lost, fmt::format("the {} process is gone: {}", peer_, close_reason_->what()),
            close_reason_->hint()};
}

bool Channel::is_congested() const noexcept {
    return queued_bytes_ > congested_bytes;
}

// ---- sending

std::shared_ptr<StreamState> Channel::open_stream(std::string head, std::string body,
                                                  std::vector<UniqueFd> fds) {
    if (!open_) {
        throw lost();
    }
    if (next_stream_ > std::numeric_limits<std::uint32_t>::max() - 2) {
        throw Error(ErrorCode::runner_lost,
                    fmt::format("the {} process has used up its stream numbers", peer_));
    }
    const std::uint32_t id = next_stream_;
    auto stream = std::make_shared<StreamState>(executor_, weak_from_this(), id);
    send(FrameType::open, id, head, std::move(body), std::move(fds));
    if (!open_) {
        throw lost();
    }
    next_stream_ += 2;
    streams_.emplace(id, stream);
    return stream;
}

void Channel::send(FrameType type, std::uint32_t stream, const std::string& head, std::string body,
                   std::vector<UniqueFd> fds) {
    if (!open_) {
        return;
    }
    Outgoing frame{.header = encode_header(type, stream, head, body.size(), fds.size()),
                   .body = std::move(body),
                   .fds = std::move(fds)};
    queued_bytes_ += frame.size();
    queue_.push_back(std::move(frame));
    write();
}

void Channel::send_credit(StreamState& stream) {
    std::string body;
    for (int shift = 0; shift < 32; shift += 8) {
        body.push_back(static_cast<char>((stream.credit_due >> shift) & 0xff));
    }
    stream.receive_window += stream.credit_due;
    stream.credit_due = 0;
    send(FrameType::credit, stream.id, {}, std::move(body), {});
}

void Channel::send_cancel(StreamState& stream) {
    if (stream.open && !stream.cancel_sent) {
        stream.cancel_sent = true;
        send(FrameType::cancel, stream.id, {}, {}, {});
    }
}

void Channel::forget(StreamState& stream) {
    send_cancel(stream);
    stream.open = false;
    streams_.erase(stream.id);
}

void Channel::write() {
    if (waiting_writable_) {
        return;
    }
    try {
        while (open_ && !queue_.empty()) {
            if (!write_once()) {
                wait_writable();
                return;
            }
        }
    } catch (const Error& error) {
        close(error);
    }
}

/// @return false when the socket is full
bool Channel::write_once() {
    std::array<iovec, 2 * frames_per_write> parts{};
    std::size_t count = 0;
    for (std::size_t index = 0; index < std::min(queue_.size(), frames_per_write); ++index) {
        Outgoing& frame = queue_[index];
        if (index > 0 && !frame.fds.empty()) {
            break; // descriptors travel with the first byte of a message
        }
        const std::size_t of_header = std::min(frame.sent, frame.header.size());
        const std::size_t of_body = frame.sent - of_header;
        if (of_header < frame.header.size()) {
            parts[count++] = {frame.header.data() + of_header, frame.header.size() - of_header};
        }
        if (of_body < frame.body.size()) {
            parts[count++] = {frame.body.data() + of_body, frame.body.size() - of_body};
        }
    }
    std::size_t sent = 0;
    const IoResult result = send_some(socket_.native_handle(), std::span(parts).first(count),
                                      queue_.front().fds, IoMode::poll, sent);
    if (result == IoResult::ended) {
        throw Error(ErrorCode::runner_lost, "it closed the connection");
    }
    if (sent > 0) {
        consume(sent);
    }
    return result == IoResult::done;
}

void Channel::consume(std::size_t sent) {
    const bool was_congested = is_congested();
    queued_bytes_ -= sent;
    queue_.front().fds.clear();
    while (sent > 0) {
        Outgoing& frame = queue_.front();
        const std::size_t part = std::min(sent, frame.size() - frame.sent);
        frame.sent += part;
        sent -= part;
        if (frame.sent < frame.size()) {
            break;
        }
        queue_.pop_front();
    }
    if (was_congested && !is_congested()) {
        changed_.notify_all();
    }
}

// ---- waiting for the socket

void Channel::run_handler(const std::function<void()>& work) {
    --pending_handlers_;
    try {
        if (open_) {
            work();
        }
    } catch (...) {
        const Error error = to_error(std::current_exception());
        if (error.code() != ErrorCode::runner_lost) {
            log::error("process", fmt::format("connection to {}: {}", peer_, error.what()));
        }
        close(error);
    }
    if (!open_ && pending_handlers_ == 0) {
        changed_.notify_all();
    }
}

void Channel::wait_writable() {
    waiting_writable_ = true;
    ++pending_handlers_;
    socket_.async_wait(asio::socket_base::wait_write, [self = shared_from_this()](boost::system::error_code) {
        self->waiting_writable_ = false;
        self->run_handler([&self] { self->write(); });
    });
}

void Channel::wait_readable() {
    ++pending_handlers_;
    socket_.async_wait(asio::socket_base::wait_read, [self = shared_from_this()](boost::system::error_code) {
        self->run_handler([&self] { self->read(); });
    });
}

void Channel::read() {
    for (int turn = 0; turn < receives_per_turn; ++turn) {
        const IoResult result = receive_some(socket_.native_handle(), decoder_, IoMode::poll);
        if (result == IoResult::ended) {
            throw Error(ErrorCode::runner_lost, "it closed the connection");
        }
        if (result == IoResult::would_block) {
            wait_readable();
            return;
        }
        while (std::optional<Frame> frame = decoder_.next()) {
            dispatch(std::move(*frame));
        }
        if (!open_) {
            return;
        }
    }
    ++pending_handlers_;
    asio::post(executor_, [self = shared_from_this()] { self->run_handler([&self] { self->read(); }); });
}

// ---- what arrives

void Channel::dispatch(Frame frame) {
    if (!hello_) {
        if (frame.type != FrameType::hello) {
            throw Error(ErrorCode::protocol, "wire: the first frame is not a hello");
        }
        check_hello(frame.head, peer_);
        hello_ = std::move(frame.head);
        changed_.notify_all();
        return;
    }
    if (frame.stream % 2 == 0 || frame.stream >= next_stream_) {
        throw Error(ErrorCode::protocol,
                    fmt::format("wire: a frame for stream {}, which was never opened", frame.stream));
    }
    const auto found = streams_.find(frame.stream);
    if (found == streams_.end()) {
        return; // ended or forgotten: what was on its way is dropped
    }
    const std::shared_ptr<StreamState> stream = found->second;
    dispatch_to(*stream, std::move(frame));
}

void Channel::dispatch_to(StreamState& stream, Frame frame) {
    switch (frame.type) {
    case FrameType::data:
        take_data(stream, std::move(frame));
        return;
    case FrameType::end: {
        Event event{.kind = Event::Kind::end,
                    .head = std::move(frame.head),
                    .body = std::move(frame.body),
                    .fds = std::move(frame.fds)};
        stream.events.push_back(std::move(event));
        finish(stream);
        return;
    }
    case FrameType::error:
        stream.failure = error_from_head(frame.head);
        finish(stream);
        return;
    case FrameType::credit:
        stream.send_window += decode_credit(frame.body);
        stream.changed.notify_all();
        return;
    default:
        throw Error(ErrorCode::protocol,
                    fmt::format("wire: a child may not send frame type {}", static_cast<int>(frame.type)));
    }
}

void Channel::take_data(StreamState& stream, Frame frame) {
    if (frame.body.size() > stream.receive_window) {
        throw Error(ErrorCode::protocol, fmt::format("wire: stream {} sent more than its credit", stream.id));
    }
    stream.receive_window -= frame.body.size();
    Event event{.kind = Event::Kind::data,
                .head = std::move(frame.head),
                .body = std::move(frame.body),
                .fds = std::move(frame.fds)};
    stream.events.push_back(std::move(event));
    stream.changed.notify_all();
}

void Channel::finish(StreamState& stream) {
    stream.open = false;
    stream.changed.notify_all();
    streams_.erase(stream.id);
}

} // namespace hearth::process::wire
