#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace hearth {

/// Threads for work that blocks: disk, hashing, SQLite. Owned by the daemon, which joins it before its
/// io_context goes.
using BlockingPool = boost::asio::thread_pool;

/// Runs `work` on `pool` and resumes on the caller's own executor with its result or exception.
/// A cancelled caller still waits for `work` and gets its result (the next co_await throws): keep it short,
/// or let it poll a stop flag. `pool` must be joined, not just stopped, before the caller's executor is
/// destroyed. Name the callable before the co_await (style A1).
template <class Work, class Result = std::invoke_result_t<Work>>
boost::asio::awaitable<Result> run_blocking(BlockingPool& pool, Work work);

} // namespace hearth

#include "base/async/blocking.ipp"
