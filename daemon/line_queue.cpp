#include "daemon/line_queue.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace hearth::daemon {

namespace asio = boost::asio;

LineQueue::LineQueue(const asio::any_io_executor& executor, std::size_t most)
    : most_(most), wake_(executor) {}

void LineQueue::push(Json line, std::string key) {
    if (!key.empty()) {
        const auto same =
            std::ranges::find_if(lines_, [&](const Line& waiting) { return waiting.key == key; });
        if (same != lines_.end()) {
            same->value = std::move(line);
            return;
        }
    }
    if (lines_.size() >= most_) {
        lines_.pop_front();
    }
    lines_.push_back({std::move(line), std::move(key)});
    wake_.cancel();
}

void LineQueue::close() {
    closed_ = true;
    wake_.cancel();
}

asio::awaitable<std::optional<Json>> LineQueue::next() {
    for (;;) {
        std::optional<Json> line = co_await next_within(std::chrono::hours(1));
        if (line || closed_) {
            co_return line;
        }
    }
}

asio::awaitable<std::optional<Json>> LineQueue::next_within(std::chrono::steady_clock::duration limit) {
    if (lines_.empty() && !closed_ && limit > limit.zero()) {
        wake_.expires_after(limit);
        boost::system::error_code woken;
        auto done = asio::redirect_error(asio::use_awaitable, woken);
        co_await wake_.async_wait(done);
    }
    if (lines_.empty()) {
        co_return std::nullopt;
    }
    Json line = std::move(lines_.front().value);
    lines_.pop_front();
    co_return line;
}

} // namespace hearth::daemon
