#include "runtime/host/control_thread.hpp"

#include <utility>

namespace hearth::runtime {

ControlThread::ControlThread() : thread_([this] { loop(); }) {}

ControlThread::~ControlThread() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void ControlThread::run(std::function<void()> work) {
    Task task{.work = std::move(work), .failure = {}};
    {
        std::unique_lock lock(mutex_);
        tasks_.push_back(&task);
        changed_.notify_all();
        changed_.wait(lock, [&task] { return task.done; });
    }
    if (task.failure) {
        std::rethrow_exception(std::move(task.failure));
    }
}

void ControlThread::loop() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
        if (tasks_.empty()) {
            return;
        }
        Task& task = *tasks_.front();
        tasks_.pop_front();
        lock.unlock();
        try {
            task.work();
        } catch (...) {
            task.failure = std::current_exception();
        }
        lock.lock();
        task.done = true;
        changed_.notify_all();
    }
}

} // namespace hearth::runtime
