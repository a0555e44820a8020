#pragma once

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <optional>

namespace hearth {

/// Sleeps on a steady timer of the caller's executor. Cancellable.
boost::asio::awaitable<void> sleep_for(std::chrono::steady_clock::duration duration);

/// Runs `work`; when it is not done after `limit` it is cancelled, awaited, and Error(timeout, what + " took
/// longer than …") is thrown.
boost::asio::awaitable<void> with_timeout(std::chrono::steady_clock::duration limit, const char* what,
                                          boost::asio::awaitable<void> work);

} // namespace hearth
