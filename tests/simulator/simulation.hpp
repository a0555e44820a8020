#pragma once

#include "tests/simulator/trace.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace hearth::simulator {

/// One request that was answered.
struct Served {
    std::string app;
    std::string model;
    Seconds wait{}; ///< from asking to the grant
    Seconds took{}; ///< from the grant to the answer
    int ahead = 0;  ///< models that others waited for, or that were loading, when it came
};

/// What came of a replay.
struct Outcome {
    std::vector<Served> served;
    std::map<std::string, int> loads; ///< by model
    Seconds reload{};                 ///< of all loads, each as long as it takes alone on the disk
    Seconds lasted{};                 ///< until the last answer
    Seconds longest_load{};           ///< as it was, beside others
    std::size_t unserved = 0;
    /// Rules of the contract that were broken: memory over the budget, a grant on a model that is not loaded.
    std::vector<std::string> violations;
};

/// Plays the part of the scheduler's driver over pretended engines and a virtual clock. The same trace and settings
/// give the same outcome.
Outcome simulate(const Trace& trace, const runtime::ArbiterSettings& settings);

/// The longest wait as a share of what runtime/scheduler/arbiter.hpp promises for it: not above 1.
double worst_share_of_bound(const Outcome& outcome, const runtime::ArbiterSettings& settings);

} // namespace hearth::simulator
