#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>

namespace hearth {

/// A level-triggered flag that coroutines of one executor wait for. `notify_all` wakes every current waiter
/// once; a waiter re-checks its condition in a loop, as with a condition variable. Single-threaded or strand
/// use only.
class AsyncEvent {
  public:
    explicit AsyncEvent(boost::asio::any_io_executor executor);
    ~AsyncEvent();
    AsyncEvent(const AsyncEvent&) = delete;

    /// Suspends until the next notify_all, or throws operation_aborted when the waiting coroutine is
    /// cancelled.
    boost::asio::awaitable<void> wait();
    void notify_all();

  private:
    struct State;
    std::shared_ptr<State> state_; // waiters may outlive the event by one resumption
};

} // namespace hearth
