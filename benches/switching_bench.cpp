// Replays the simulator's traces under Ollama's rule, LRU and ours: the table to stderr, one JSON object to stdout.
#include "tests/simulator/report.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace hearth::simulator;

namespace {

using Json = nlohmann::ordered_json;

double rounded(double value) {
    return std::stod(fmt::format("{:.4g}", value));
}

Json to_json(const RuleResult& result) {
    return {{"loads", result.reloads},
            {"load_seconds", rounded(result.reload.count())},
            {"p50_wait_seconds", rounded(result.p50.count())},
            {"p95_wait_seconds", rounded(result.p95.count())},
            {"max_wait_seconds", rounded(result.max.count())},
            {"requests_per_minute", rounded(result.requests_per_minute)},
            {"unserved", result.unserved}};
}

Json to_json(const Comparison& comparison) {
    Json ours = to_json(comparison.ours);
    ours["worst_share_of_bound"] = rounded(comparison.ours.share_of_bound);
    return {{"trace", comparison.trace->name},
            {"mixed", comparison.trace->expectation == Expectation::better},
            {"reload_ratio", rounded(comparison.reload_ratio)},
            {"p95_ratio", rounded(comparison.p95_ratio)},
            {"ours", std::move(ours)},
            {"lru", to_json(comparison.lru)},
            {"ollama", to_json(comparison.ollama)}};
}

Json replay(const char* title, std::span<const std::uint64_t> seeds) {
    std::vector<Comparison> comparisons;
    for (const TraceKind& trace : traces())
        comparisons.push_back(compare(trace, seeds));
    std::fputs(fmt::format("{}, {} seeds\n{}\n", title, seeds.size(), table(comparisons)).c_str(), stderr);
    Json result = Json::array();
    for (const Comparison& comparison : comparisons)
        result.push_back(to_json(comparison));
    return result;
}

} // namespace

int main() {
    const Json result{{"development", replay("Seeds the rule was tuned with", development_seeds())},
                      {"evaluation", replay("Seeds it never saw", evaluation_seeds())}};
    std::fputs((result.dump() + "\n").c_str(), stdout);
}
