#pragma once

// The body of run_blocking; included by base/async/blocking.hpp alone.

#include "base/async/blocking.hpp"

namespace hearth::detail {

/// What `work` left behind; a void result is carried as a flag.
template <class Result> using BlockingValue = std::conditional_t<std::is_void_v<Result>, bool, Result>;

/// Runs on the pool, then hands the outcome to the handler on the caller's executor. The guard keeps the
/// caller's io_context running meanwhile. `work` is gone before the caller resumes, so that what it captured
/// is free again.
template <class Result, class Work, class Executor, class Handler>
void perform_blocking(Work& work, Executor& executor, Handler& handler) {
    std::exception_ptr failure;
    std::optional<BlockingValue<Result>> value;
    try {
        Work task = std::move(work);
        if constexpr (std::is_void_v<Result>) {
            task();
            value.emplace(true);
        } else {
            value.emplace(task());
        }
    } catch (...) {
        failure = std::current_exception();
    }
    auto finish = [handler = std::move(handler), failure = std::move(failure),
                   value = std::move(value)]() mutable { handler(std::move(failure), std::move(value)); };
    boost::asio::post(executor, std::move(finish));
}

} // namespace hearth::detail

namespace hearth {

template <class Work, class Result>
boost::asio::awaitable<Result> run_blocking(BlockingPool& pool, Work work) {
    using Value = std::optional<detail::BlockingValue<Result>>;
    auto executor = co_await boost::asio::this_coro::executor;
    auto initiate = [&pool, executor, &work](auto handler) {
        auto guarded = boost::asio::prefer(
            executor, boost::asio::execution::outstanding_work.tracked); // the loop must not end
        auto job = [guarded, work = std::move(work), handler = std::move(handler)]() mutable {
            detail::perform_blocking<Result>(work, guarded, handler);
        };
        boost::asio::post(pool, std::move(job));
    };
    using Token = boost::asio::use_awaitable_t<>;
    Token token;
    Value value =
        co_await boost::asio::async_initiate<Token, void(std::exception_ptr, Value)>(initiate, token);
    if constexpr (!std::is_void_v<Result>) {
        co_return std::move(*value);
    }
}

} // namespace hearth
