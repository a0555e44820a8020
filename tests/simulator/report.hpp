#pragma once

#include "tests/simulator/simulation.hpp"
#include "tests/simulator/traces.hpp"

#include <span>
#include <string>
#include <vector>

namespace hearth::simulator {

/// Replays of one trace under one rule, all seeds together.
struct RuleResult {
    runtime::SwitchRule rule = runtime::SwitchRule::cost;
    int reloads = 0;
    Seconds reload{};
    Seconds p50{}, p95{}, max{}; ///< of waits, over all requests of all seeds
    double requests_per_minute = 0;
    std::size_t requests = 0;
    double share_of_bound = 0; ///< see worst_share_of_bound
    std::size_t unserved = 0;
    std::vector<std::string> violations;
};

/// One trace under the three rules. What is compared was settled before the evaluation seeds were replayed: all seeds
/// count as one long replay, its reload seconds and the 95th percentile of all its waits; for each of the two numbers
/// ours stands against the better of the others, whichever that is, and nothing is taken off for chance.
struct Comparison {
    const TraceKind* trace = nullptr;
    RuleResult ours, lru, ollama;
    /// Ours over the better of the two others; two waits below a tenth of a second count as equal.
    double reload_ratio = 0;
    double p95_ratio = 0;
};

Comparison compare(const TraceKind& trace, std::span<const std::uint64_t> seeds);

/// For people: three lines per trace.
std::string table(std::span<const Comparison> comparisons);

/// The seeds that the rule was tuned with, and those that were replayed only when it was done: so many that chance moves
/// a ratio little.
std::span<const std::uint64_t> development_seeds();
std::span<const std::uint64_t> evaluation_seeds();

} // namespace hearth::simulator
