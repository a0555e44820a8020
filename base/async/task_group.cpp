#include "base/async/task_group.hpp"

#include "base/async/event.hpp"
#include "base/error.hpp"
#include "base/log.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include <cassert>
#include <cstdint>
#include <exception>
#include <map>
#include <vector>

namespace hearth {
namespace {

struct Task {
    std::string name;
    boost::asio::cancellation_signal signal;
};

/// The frame of this coroutine owns the callable, so its captures live as long as the coroutine it makes.
boost::asio::awaitable<void> run_callable(std::function<boost::asio::awaitable<void>()> callable) {
    co_await callable();
}

void log_failure(const std::string& name, const std::exception_ptr& failure) {
    const Error error = to_error(failure);
    if (error.code() != ErrorCode::cancelled) {
        log::error("task", name + ": " + error.what());
    }
}

} // namespace

struct TaskGroup::State {
    explicit State(boost::asio::any_io_executor executor_in)
        : executor(std::move(executor_in)), finished(executor) {}

    boost::asio::any_io_executor executor;
    AsyncEvent finished;
    // Shared, so that a task that ends while `cancel` emits does not take its signal away under it.
    std::map<std::uint64_t, std::shared_ptr<Task>> tasks;
    std::uint64_t next_id = 0;
    bool cancelled = false;

    void finish(std::uint64_t id, const std::exception_ptr& failure) {
        const auto found = tasks.find(id);
        const std::shared_ptr<Task> task = std::move(found->second);
        tasks.erase(found);
        if (failure) {
            log_failure(task->name, failure);
        }
        finished.notify_all();
    }
};

TaskGroup::TaskGroup(boost::asio::any_io_executor executor)
    : state_(std::make_shared<State>(std::move(executor))) {}

TaskGroup::~TaskGroup() {
    assert(state_->tasks.empty() && "a TaskGroup is joined before its owner dies");
}

void TaskGroup::spawn(std::string name, boost::asio::awaitable<void> task) {
    const std::uint64_t id = state_->next_id++;
    auto entry = std::make_shared<Task>();
    entry->name = std::move(name);
    state_->tasks.emplace(id, entry);
    auto done = [state = state_, id](const std::exception_ptr& failure) { state->finish(id, failure); };
    boost::asio::co_spawn(state_->executor, std::move(task),
                          boost::asio::bind_cancellation_slot(entry->signal.slot(), std::move(done)));
    if (state_->cancelled) {
        entry->signal.emit(boost::asio::cancellation_type::terminal);
    }
}

void TaskGroup::spawn(std::string name, std::function<boost::asio::awaitable<void>()> task) {
    spawn(std::move(name), run_callable(std::move(task)));
}

void TaskGroup::cancel() {
    state_->cancelled = true;
    std::vector<std::shared_ptr<Task>> tasks;
    for (const auto& [id, task] : state_->tasks) {
        tasks.push_back(task);
    }
    for (const auto& task : tasks) {
        task->signal.emit(boost::asio::cancellation_type::terminal);
    }
}

boost::asio::awaitable<void> TaskGroup::join() {
    const std::shared_ptr<State> state = state_;
    while (!state->tasks.empty()) {
        co_await state->finished.wait();
    }
}

std::size_t TaskGroup::running() const noexcept {
    return state_->tasks.size();
}

} // namespace hearth
