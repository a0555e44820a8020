#include "base/async/timeout.hpp"

#include "base/error.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <fmt/format.h>

namespace hearth {
namespace {

std::string describe(std::chrono::steady_clock::duration duration) {
    const double seconds = std::chrono::duration<double>(duration).count();
    return fmt::format("{:.3g} s", seconds);
}

} // namespace

boost::asio::awaitable<void> sleep_for(std::chrono::steady_clock::duration duration) {
    const auto executor = co_await boost::asio::this_coro::executor;
    boost::asio::steady_timer timer(executor, duration);
    co_await timer.async_wait(boost::asio::use_awaitable);
}

boost::asio::awaitable<void> with_timeout(std::chrono::steady_clock::duration limit, const char* what,
                                          boost::asio::awaitable<void> work) {
    const auto executor = co_await boost::asio::this_coro::executor;
    boost::asio::steady_timer timer(executor, limit);
    // Not `||`: it waits for the first success, and so would hide a failure of `work` until the timer fires.
    auto group = boost::asio::experimental::make_parallel_group(
        boost::asio::co_spawn(executor, std::move(work), boost::asio::deferred),
        timer.async_wait(boost::asio::deferred));
    auto [order, failure, timer_result] =
        co_await group.async_wait(boost::asio::experimental::wait_for_one(), boost::asio::use_awaitable);
    const bool timer_was_first = order[0] == 1;
    if (timer_was_first && !timer_result) {
        throw Error(ErrorCode::timeout, fmt::format("{} took longer than {}", what, describe(limit)));
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
}

} // namespace hearth
