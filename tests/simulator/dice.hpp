#pragma once

#include "tests/simulator/trace.hpp"

#include <cstdint>
#include <random>

namespace hearth::simulator {

/// Random numbers that are the same with every standard library: its distributions are not.
class Dice {
  public:
    explicit Dice(std::uint64_t seed) : engine_(seed) {}

    /// 0 … 1, without 1.
    double fraction() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }
    double between(double low, double high) { return low + (high - low) * fraction(); }
    /// Both ends included.
    int whole(int low, int high) { return low + static_cast<int>(fraction() * (high - low + 1)); }
    bool chance(double probability) { return fraction() < probability; }
    Seconds pause(double low, double high) { return Seconds(between(low, high)); }

  private:
    std::mt19937_64 engine_;
};

} // namespace hearth::simulator
