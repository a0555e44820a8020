#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
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
    void loop();

    std::mutex mutex_; // guards tasks_ and stopping_
    std::condition_variable changed_;
    std::deque<std::packaged_task<void()>> tasks_;
    bool stopping_ = false;
    std::thread thread_; // last: it uses all of the above
};

} // namespace hearth::runtime
