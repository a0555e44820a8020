#include "tests/simulator/report.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <numeric>

namespace hearth::simulator {
namespace {

template <std::size_t count> constexpr std::array<std::uint64_t, count> seeds_from(std::uint64_t first) {
    std::array<std::uint64_t, count> seeds{};
    std::iota(seeds.begin(), seeds.end(), first);
    return seeds;
}
constexpr auto development = seeds_from<24>(1);
constexpr auto evaluation = seeds_from<100>(500'001);

/// Below this nobody notices a wait, and a ratio of two such waits says nothing.
constexpr Seconds unnoticed{0.1};

/// @param sorted  not empty
Seconds percentile(const std::vector<Seconds>& sorted, double share) {
    const auto rank = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
    return sorted[std::min(rank, sorted.size() - 1)];
}

RuleResult replay(const TraceKind& kind, runtime::SwitchRule rule, std::span<const std::uint64_t> seeds) {
    RuleResult result;
    result.rule = rule;
    std::vector<Seconds> waits;
    Seconds lasted{};
    for (const std::uint64_t seed : seeds) {
        runtime::ArbiterSettings settings;
        settings.rule = rule;
        const Outcome outcome = simulate(kind.make(seed), settings);
        for (const Served& served : outcome.served)
            waits.push_back(served.wait);
        for (const auto& [model, count] : outcome.loads)
            result.reloads += count;
        result.reload += outcome.reload;
        result.unserved += outcome.unserved;
        result.share_of_bound = std::max(result.share_of_bound, worst_share_of_bound(outcome, settings));
        lasted += outcome.lasted;
        result.violations.insert(result.violations.end(), outcome.violations.begin(),
                                 outcome.violations.end());
    }
    result.requests = waits.size();
    if (waits.empty())
        return result;
    std::ranges::sort(waits);
    result.p50 = percentile(waits, 0.50);
    result.p95 = percentile(waits, 0.95);
    result.max = waits.back();
    result.requests_per_minute = 60 * static_cast<double>(waits.size()) / lasted.count();
    return result;
}

double ratio(Seconds ours, Seconds better, Seconds floor) {
    return std::max(ours, floor) / std::max(better, floor);
}

std::string line(std::string_view name, const RuleResult& result) {
    return fmt::format("  {:<8}{:>9}{:>11.1f}{:>9.2f}{:>9.2f}{:>9.1f}{:>12.1f}\n", name, result.reloads,
                       result.reload.count(), result.p50.count(), result.p95.count(), result.max.count(),
                       result.requests_per_minute);
}

} // namespace

std::span<const std::uint64_t> development_seeds() {
    return development;
}
std::span<const std::uint64_t> evaluation_seeds() {
    return evaluation;
}

Comparison compare(const TraceKind& trace, std::span<const std::uint64_t> seeds) {
    Comparison comparison{.trace = &trace,
                          .ours = replay(trace, runtime::SwitchRule::cost, seeds),
                          .lru = replay(trace, runtime::SwitchRule::lru, seeds),
                          .ollama = replay(trace, runtime::SwitchRule::ollama, seeds)};
    comparison.reload_ratio = ratio(
        comparison.ours.reload, std::min(comparison.lru.reload, comparison.ollama.reload), Seconds(0.001));
    comparison.p95_ratio =
        ratio(comparison.ours.p95, std::min(comparison.lru.p95, comparison.ollama.p95), unnoticed);
    return comparison;
}

std::string table(std::span<const Comparison> comparisons) {
    std::string text = fmt::format("{:<10}{:>9}{:>11}{:>9}{:>9}{:>9}{:>12}\n", "", "loads", "load s", "p50 s",
                                   "p95 s", "max s", "requests/min");
    for (const Comparison& comparison : comparisons) {
        text += fmt::format("{}: {}\n", comparison.trace->name, comparison.trace->story);
        text +=
            line("ollama", comparison.ollama) + line("lru", comparison.lru) + line("ours", comparison.ours);
        text += fmt::format("  ours over the better: reload seconds {:.2f}, p95 wait {:.2f}\n",
                            comparison.reload_ratio, comparison.p95_ratio);
    }
    return text;
}

} // namespace hearth::simulator
