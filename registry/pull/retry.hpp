#pragma once

#include "base/error.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <random>
#include <string>
#include <type_traits>

namespace hearth::registry {

/// How stubborn a pull is.
struct RetryOptions {
    int attempts = 6;                                ///< in a row without one new byte
    std::chrono::milliseconds base{250};             ///< first wait at most; doubles each time
    std::chrono::milliseconds cap{30'000};           ///< longest wait of our own choice
    std::chrono::milliseconds longest_asked{60'000}; ///< longest wait that a server's Retry-After gets
};

/// The same for questions that somebody waits for at the terminal: fewer attempts than for gigabytes.
RetryOptions for_small_requests(RetryOptions options) noexcept;

/// A failure that may be gone at the next try: a status such as 503, an answer that broke off.
class TransientError : public Error {
  public:
    TransientError(ErrorCode code, const std::string& message,
                   std::optional<std::chrono::seconds> retry_after = {})
        : Error(code, message), retry_after_(retry_after) {}
    const std::optional<std::chrono::seconds>& retry_after() const noexcept { return retry_after_; }

  private:
    std::optional<std::chrono::seconds> retry_after_;
};

/// Counts failures in a row and waits between them, with full jitter so that many clients do not come back at
/// once.
class Backoff {
  public:
    explicit Backoff(RetryOptions options);

    /// Something arrived: the count starts again.
    void reset() noexcept { failures_ = 0; }
    /// Waits before the next attempt.
    /// @param failure  rethrown when it is permanent, or when the attempts are used up
    boost::asio::awaitable<void> wait_after(std::exception_ptr failure);

  private:
    std::chrono::milliseconds next_wait();

    RetryOptions options_;
    int failures_ = 0;
    std::minstd_rand random_;
};

/// Runs `attempt` until it works or its failure is final.
///
/// @param attempt  called for each try, gives an awaitable
/// @throws         what the last try threw
template <class Attempt> std::invoke_result_t<Attempt&> with_retries(RetryOptions options, Attempt attempt) {
    Backoff backoff(options);
    while (true) {
        std::exception_ptr failure;
        try {
            co_return co_await attempt();
        } catch (...) {
            failure = std::current_exception();
        }
        co_await backoff.wait_after(failure);
    }
}

/// Seconds of a Retry-After header; a date or garbage gives nullopt.
std::optional<std::chrono::seconds> parse_retry_after(const std::string& text);

} // namespace hearth::registry
