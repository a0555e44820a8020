#include "daemon/http/body_source.hpp"

#include "base/error.hpp"
#include "daemon/http/connection.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hearth::daemon::http {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

BodySource::BodySource(Connection& connection, std::string& buffer, const Head& head, const Limits& limits)
    : connection_(connection), buffer_(buffer), limits_(limits), left_(head.content_length.value_or(0)),
      continue_wanted_(head.expects_continue) {
    if (head.chunked) {
        chunks_ = std::make_unique<BodyReader>(head, limits.upload_bytes, limits);
        return;
    }
    length_ = left_;
    if (left_ > limits.upload_bytes) {
        throw Error(ErrorCode::too_large,
                    fmt::format("an upload may have {} GiB at most", limits.upload_bytes >> 30));
    }
}

bool BodySource::done() const {
    return chunks_ ? chunks_->done() : left_ == 0;
}

asio::awaitable<std::string> BodySource::next() {
    if (continue_wanted_ && buffer_.empty() && !done()) {
        std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        co_await connection_.write(std::move(go_on), limits_.write_stall);
    }
    continue_wanted_ = false;
    std::string piece;
    for (take(piece); piece.size() < piece_bytes && !done(); take(piece)) {
        co_await receive();
    }
    co_return piece;
}

void BodySource::take(std::string& piece) {
    if (chunks_) {
        chunks_->feed(buffer_);
        piece += chunks_->take();
        return;
    }
    const auto usable = static_cast<std::size_t>(std::min<std::uint64_t>(left_, buffer_.size()));
    piece.append(buffer_, 0, usable);
    buffer_.erase(0, usable);
    left_ -= usable;
}

asio::awaitable<void> BodySource::receive() {
    const auto elapsed = Clock::now() - begun_;
    const auto earned = std::chrono::seconds(received_ / limits_.body_bytes_per_second) + limits_.body_grace;
    if (elapsed > earned) {
        throw Error(ErrorCode::timeout, "the client was too slow sending");
    }
    // Time earned by a fast beginning is no right to fall silent.
    const auto patience = std::min<Clock::duration>(earned - elapsed, limits_.idle);
    const std::size_t length = co_await connection_.read_some(buffer_, patience);
    if (length == 0) {
        throw Error(ErrorCode::cancelled, "the client left in the middle of an upload");
    }
    received_ += length;
}

} // namespace hearth::daemon::http
