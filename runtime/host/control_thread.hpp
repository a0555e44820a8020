#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace hearth::runtime {

/// The one thread on which the ABI's [ctl] calls are made, in order.
class ControlThread {
  public:
    ControlThread();
    /// Waits for the call that runs.
    ~ControlThread();
    ControlThread(const ControlThread&) = delete;

    /// Runs `work` there and waits; its exception comes out here. Any other thread.
    void run(std::function<void()> work);

  private:
    /// On the stack of the caller, who waits for it. Not a std::packaged_task: its exception would be shared
    /// by both threads.
    struct Task {
        std::function<void()> work;
        std::exception_ptr failure;
        bool done = false;
    };

    void loop();

    std::mutex mutex_; // guards tasks_, stopping_ and `done`
    std::condition_variable changed_;
    std::deque<Task*> tasks_;
    bool stopping_ = false;
    std::thread thread_; // last: it uses all of the above
};

} // namespace hearth::runtime
