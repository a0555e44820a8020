#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>

namespace hearth {

/// Every background coroutine belongs to a TaskGroup: named, logged when it throws, cancellable, joined
/// before its owner dies. Lives on one executor (single thread or strand); all calls from there. The owner
/// calls `cancel()` and awaits `join()` in its `stop()`; the destructor asserts that nothing is left running.
class TaskGroup {
  public:
    explicit TaskGroup(boost::asio::any_io_executor executor);
    ~TaskGroup();
    TaskGroup(const TaskGroup&) = delete;

    /// Starts `task`. An exception other than cancellation is logged under `name` and does not reach anyone
    /// else.
    void spawn(std::string name, boost::asio::awaitable<void> task);
    /// Keeps the callable alive as long as its coroutine (capturing lambdas are safe here, see docs).
    void spawn(std::string name, std::function<boost::asio::awaitable<void>()> task);

    /// Asks every task to stop at its next co_await (terminal cancellation). Later spawns are cancelled at
    /// once.
    void cancel();
    /// Waits until no task is left. Not itself cancelled by the group.
    boost::asio::awaitable<void> join();

    std::size_t running() const noexcept;

  private:
    struct State;
    std::shared_ptr<State>
        state_; // shared with completion handlers that may run after the group's owner moved on
};

} // namespace hearth
