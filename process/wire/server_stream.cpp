#include "process/wire/server_state.hpp"

#include "process/wire/messages.hpp"
#include "process/wire/socket_io.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace hearth::process::wire {

bool SharedWriter::send(FrameType type, std::uint32_t stream, std::string_view head, std::string_view body,
                        std::span<const UniqueFd> fds) {
    const std::string header = encode_header(type, stream, head, body.size(), fds.size());
    const std::lock_guard lock(mutex_);
    if (!broken_) {
        broken_ = !send_frame(socket_, header, body, fds);
    }
    return !broken_;
}

ThreadStream::ThreadStream(SharedWriter& writer, std::atomic<std::size_t>& active, Frame open)
    : writer_(writer), active_(active), open_(std::move(open)) {
    ++active_;
}

bool ThreadStream::send(std::string_view head, std::string_view body) {
    while (body.size() > max_body_bytes) {
        if (!send_part(head, body.substr(0, max_body_bytes))) {
            return false;
        }
        body.remove_prefix(max_body_bytes);
    }
    return send_part(head, body);
}

bool ThreadStream::send_part(std::string_view head, std::string_view body) {
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return cancelled_ || ended_ || send_window_ >= body.size(); });
        if (cancelled_ || ended_) {
            return false;
        }
        send_window_ -= body.size();
    }
    return writer_.send(FrameType::data, id(), head, body);
}

void ThreadStream::on_cancel(std::function<void()> callback) {
    const std::lock_guard lock(callback_mutex_);
    callback_ = std::move(callback);
    if (cancelled_) {
        run_callback();
    }
}

void ThreadStream::finish(FrameType type, std::string_view head, std::span<const UniqueFd> fds) {
    {
        const std::lock_guard lock(mutex_);
        if (ended_) {
            return;
        }
        ended_ = true;
    }
    --active_; // first: when the core sees that a stream ended, its place is free
    changed_.notify_all();
    writer_.send(type, id(), head, {}, fds);
}

void ThreadStream::end(std::string_view head, std::vector<UniqueFd> fds) {
    finish(FrameType::end, head, fds);
}

void ThreadStream::conclude(const std::exception_ptr& failure) noexcept {
    try {
        on_cancel({});
        if (failure) {
            finish(FrameType::error, error_head(to_error(failure)), {});
        } else {
            finish(FrameType::end, {}, {});
        }
    } catch (...) {
        cancel(); // nothing more can be said; the core sees the end of the connection
    }
}

std::optional<Incoming> ThreadStream::receive() {
    Frame frame;
    std::uint32_t credit = 0;
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return cancelled_ || ended_ || !incoming_.empty(); });
        if (incoming_.empty() || cancelled_) {
            return std::nullopt;
        }
        frame = std::move(incoming_.front());
        incoming_.pop_front();
        credit_due_ += static_cast<std::uint32_t>(frame.body.size());
        if (credit_due_ >= credit_batch_bytes) {
            credit = std::exchange(credit_due_, 0);
            receive_window_ += credit;
        }
    }
    if (credit > 0) {
        std::string body;
        for (int shift = 0; shift < 32; shift += 8) {
            body.push_back(static_cast<char>((credit >> shift) & 0xff));
        }
        writer_.send(FrameType::credit, id(), {}, body);
    }
    return Incoming{std::move(frame.head), std::move(frame.body), std::move(frame.fds)};
}

void ThreadStream::cancel() {
    {
        const std::lock_guard lock(mutex_);
        cancelled_ = true;
    }
    changed_.notify_all();
    const std::lock_guard lock(callback_mutex_);
    run_callback();
}

/// At most once per callback: `cancel` and a late `on_cancel` may both come here.
void ThreadStream::run_callback() {
    const std::function<void()> callback = std::exchange(callback_, {});
    if (callback) {
        callback();
    }
}

void ThreadStream::add_credit(std::uint32_t bytes) {
    {
        const std::lock_guard lock(mutex_);
        send_window_ += bytes;
    }
    changed_.notify_all();
}

void ThreadStream::deliver(Frame frame) {
    {
        const std::lock_guard lock(mutex_);
        if (frame.body.size() > receive_window_) {
            throw Error(ErrorCode::protocol, "wire: the core sent more than its credit");
        }
        receive_window_ -= frame.body.size();
        incoming_.push_back(std::move(frame));
    }
    changed_.notify_all();
}

} // namespace hearth::process::wire
