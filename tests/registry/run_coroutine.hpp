#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace hearth::testing {

template <class Result>
boost::asio::awaitable<void> keep_result(boost::asio::awaitable<Result> work, std::optional<Result>* result) {
    result->emplace(co_await std::move(work));
}

/// Runs a coroutine to its end on a loop of its own; gives its result, or throws what it threw.
template <class Result> Result run_coroutine(boost::asio::awaitable<Result> work) {
    boost::asio::io_context loop{1};
    std::optional<Result> result;
    std::exception_ptr failure;
    boost::asio::co_spawn(loop, keep_result(std::move(work), &result),
                          [&](std::exception_ptr exception) { failure = exception; });
    loop.run();
    if (failure) {
        std::rethrow_exception(failure);
    }
    if (!result) {
        throw std::logic_error("the coroutine did not end");
    }
    return std::move(*result);
}

} // namespace hearth::testing
