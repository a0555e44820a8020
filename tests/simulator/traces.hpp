#pragma once

#include "tests/simulator/trace.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace hearth::simulator {

/// What is expected of our rule on a trace, against the better of the others: agreed before anything was measured.
enum class Expectation {
    no_worse, ///< at most 5 % more reload seconds, at most 5 % more wait
    /// At least 25 % less of both. Mixed: different programs ask again and again for models that do not fit together,
    /// and answers are short beside a reload, so that serving requests in groups can save.
    better
};

struct TraceKind {
    std::string_view name;
    std::string_view story; ///< one line for people
    Expectation expectation = Expectation::no_worse;
    Trace (*make)(std::uint64_t seed) = nullptr;
};

std::span<const TraceKind> traces();

} // namespace hearth::simulator
