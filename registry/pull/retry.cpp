#include "registry/pull/retry.hpp"

#include "base/async/timeout.hpp"

#include <algorithm>
#include <charconv>

namespace hearth::registry {

RetryOptions for_small_requests(RetryOptions options) noexcept {
    constexpr int small_attempts = 4;
    options.attempts = std::min(options.attempts, small_attempts);
    return options;
}

Backoff::Backoff(RetryOptions options) : options_(options), random_(std::random_device{}()) {}

boost::asio::awaitable<void> Backoff::wait_after(std::exception_ptr failure) {
    std::chrono::milliseconds wait{0};
    try {
        std::rethrow_exception(failure);
    } catch (const TransientError& error) {
        if (++failures_ >= options_.attempts) {
            throw;
        }
        wait = next_wait();
        if (const auto asked = error.retry_after()) {
            wait = std::max(wait, std::min<std::chrono::milliseconds>(*asked, options_.longest_asked));
        }
    } catch (const Error& error) {
        if (error.code() != ErrorCode::registry_unreachable || ++failures_ >= options_.attempts) {
            throw;
        }
        wait = next_wait();
    }
    co_await sleep_for(wait);
}

std::chrono::milliseconds Backoff::next_wait() {
    const auto doubled = options_.base.count() << std::min(failures_ - 1, 20);
    const auto longest = std::min<std::int64_t>(doubled, options_.cap.count());
    std::uniform_int_distribution<std::int64_t> jitter(0, std::max<std::int64_t>(longest, 0));
    return std::chrono::milliseconds(jitter(random_));
}

std::optional<std::chrono::seconds> parse_retry_after(const std::string& text) {
    std::uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return std::chrono::seconds(seconds);
}

} // namespace hearth::registry
