#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

namespace hearth::cli {

/// Bytes per second over the last ten seconds: steady enough to read, quick enough to believe.
class RateMeter {
  public:
    using Time = std::chrono::steady_clock::time_point;

    /// @param bytes  done so far, never falling
    void add(Time now, std::uint64_t bytes);
    /// 0 until two samples are known.
    double bytes_per_second(Time now) const;

  private:
    struct Sample {
        Time time;
        std::uint64_t bytes;
    };
    std::deque<Sample> samples_; // at most one for each 100 ms
};

} // namespace hearth::cli
