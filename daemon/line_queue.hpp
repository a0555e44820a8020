#pragma once

#include "base/json.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>

namespace hearth::daemon {

/// Lines from callbacks that may not block to one coroutine that writes them to a client. A slow client sees
/// fewer lines: a line with the key of one that still waits replaces it. On one executor.
class LineQueue {
  public:
    /// @param most  lines kept; the oldest goes when one more comes
    explicit LineQueue(const boost::asio::any_io_executor& executor, std::size_t most = 256);
    LineQueue(const LineQueue&) = delete;

    /// @param key  empty: never replaces or is replaced
    void push(Json line, std::string key = {});
    /// No more lines: `next` gives nullopt once the queue is empty.
    void close();
    /// The next line; nullopt when the queue is closed and empty.
    boost::asio::awaitable<std::optional<Json>> next();
    /// The next line; nullopt also when none came within `limit`.
    boost::asio::awaitable<std::optional<Json>> next_within(std::chrono::steady_clock::duration limit);
    bool closed() const noexcept { return closed_; }

  private:
    struct Line {
        Json value;
        std::string key;
    };

    std::deque<Line> lines_;
    std::size_t most_;
    boost::asio::steady_timer wake_; ///< expires never; cancelled when there is news
    bool closed_ = false;
};

} // namespace hearth::daemon
