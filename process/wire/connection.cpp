#include "process/wire/connection.hpp"

#include "base/async/timeout.hpp"
#include "process/wire/channel.hpp"

#include <chrono>
#include <utility>

namespace hearth::process::wire {

namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds hello_timeout{10};

asio::awaitable<void> wait_for_hello(std::shared_ptr<Channel> channel) {
    while (channel->is_open() && !channel->hello()) {
        co_await channel->changed().wait();
    }
    if (!channel->hello()) {
        Error reason = channel->close_reason();
        reason.add_context("starting " + channel->peer());
        throw Error(reason);
    }
}

} // namespace

// ---- Stream

Stream::Stream(std::shared_ptr<StreamState> state) : state_(std::move(state)) {}
Stream::Stream(Stream&& other) noexcept = default;

Stream& Stream::operator=(Stream&& other) noexcept {
    const Stream old(std::exchange(state_, std::move(other.state_)));
    return *this;
}

Stream::~Stream() {
    if (!state_ || !state_->open) {
        return;
    }
    if (const std::shared_ptr<Channel> channel = state_->channel.lock()) {
        channel->forget(*state_);
    }
}

asio::awaitable<Event> Stream::receive() {
    const std::shared_ptr<StreamState> state = state_;
    while (state->events.empty()) {
        if (state->failure) {
            throw Error(*state->failure);
        }
        co_await state->changed.wait();
    }
    Event event = std::move(state->events.front());
    state->events.pop_front();
    state->credit_due += static_cast<std::uint32_t>(event.body.size());
    if (state->open && state->credit_due >= credit_batch_bytes) {
        if (const std::shared_ptr<Channel> channel = state->channel.lock()) {
            channel->send_credit(*state);
        }
    }
    co_return event;
}

asio::awaitable<void> Stream::send(std::string head, std::string body) {
    const std::shared_ptr<StreamState> state = state_;
    while (state->open && state->send_window < body.size()) {
        co_await state->changed.wait();
    }
    const std::shared_ptr<Channel> channel = state->channel.lock();
    if (!state->open || !channel) {
        throw Error(state->failure.value_or(Error(ErrorCode::cancelled, "the stream has ended")));
    }
    state->send_window -= body.size();
    channel->send(FrameType::data, state->id, head, std::move(body), {});
}

void Stream::cancel() {
    if (const std::shared_ptr<Channel> channel = state_->channel.lock()) {
        channel->send_cancel(*state_);
    }
}

// ---- Connection

Connection::Connection(asio::any_io_executor executor, UniqueFd socket, std::string peer)
    : channel_(std::make_shared<Channel>(std::move(executor), std::move(socket), std::move(peer))) {}

Connection::~Connection() {
    close();
}

asio::awaitable<void> Connection::handshake() {
    const std::shared_ptr<Channel> channel = channel_;
    channel->start();
    std::exception_ptr failure;
    try {
        co_await with_timeout(hello_timeout, "waiting for the hello of a child process",
                              wait_for_hello(channel));
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        channel->close(to_error(failure));
        std::rethrow_exception(failure);
    }
}

const std::string& Connection::peer_hello() const {
    return channel_->hello().value();
}

asio::awaitable<Stream> Connection::open(std::string head, std::string body, std::vector<UniqueFd> fds) {
    const std::shared_ptr<Channel> channel = channel_;
    while (channel->is_open() && channel->is_congested()) {
        co_await channel->changed().wait();
    }
    co_return Stream(channel->open_stream(std::move(head), std::move(body), std::move(fds)));
}

asio::awaitable<Event> Connection::call(std::string head, std::string body, std::vector<UniqueFd> fds) {
    Stream stream = co_await open(std::move(head), std::move(body), std::move(fds));
    while (true) {
        Event event = co_await stream.receive();
        if (event.kind == Event::Kind::end) {
            co_return event;
        }
    }
}

bool Connection::is_open() const noexcept {
    return channel_->is_open();
}

asio::awaitable<void> Connection::wait_closed() {
    const std::shared_ptr<Channel> channel = channel_;
    while (channel->is_open()) {
        co_await channel->changed().wait();
    }
}

void Connection::close() {
    channel_->close(Error(ErrorCode::runner_lost, "the connection was closed"));
}

asio::awaitable<void> Connection::stop() {
    const std::shared_ptr<Channel> channel = channel_;
    close();
    while (channel->has_work()) {
        co_await channel->changed().wait();
    }
}

} // namespace hearth::process::wire
