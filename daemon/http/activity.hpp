#pragma once

#include <chrono>
#include <cstddef>

namespace hearth::daemon::http {

/// Whether somebody uses the service: how many requests are under way, and when the last one ended. Routes that only
/// watch (events, version, status) do not count. On the io executor.
class Activity {
  public:
    using Clock = std::chrono::steady_clock;

    /// One request under way.
    class Use {
      public:
        explicit Use(Activity& activity) : activity_(activity) { ++activity_.running_; }
        Use(const Use&) = delete;
        ~Use() {
            --activity_.running_;
            activity_.touch();
        }

      private:
        Activity& activity_;
    };

    /// Counts as a use that ended now.
    void touch() noexcept { last_ = Clock::now(); }
    std::size_t running() const noexcept { return running_; }
    Clock::time_point last_use() const noexcept { return last_; }

  private:
    std::size_t running_ = 0;
    Clock::time_point last_ = Clock::now();
};

} // namespace hearth::daemon::http
