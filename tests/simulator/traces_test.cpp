#include "tests/simulator/report.hpp"

#include <gmock/gmock.h>
#include <iostream>

/// Ours against the two others, trace by trace: with the seeds that it was tuned with and with others.
namespace hearth::simulator {
namespace {

using ::testing::IsEmpty;

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool sanitized = true; ///< ten times slower: the contract with a few seeds; ratios need them all
#else
constexpr bool sanitized = false;
#endif
constexpr std::size_t few_seeds = 4;

struct Case {
    const TraceKind* trace;
    bool evaluation;
};

std::vector<Case> cases() {
    std::vector<Case> all;
    for (const TraceKind& trace : traces()) {
        all.push_back({&trace, false});
        if (!sanitized) {
            all.push_back({&trace, true});
        }
    }
    return all;
}

class Traces : public ::testing::TestWithParam<Case> {};

/// One test for all of it: each is a process of its own, and a replay of so many seeds takes a moment.
TEST_P(Traces, AreServedWithinTheContractAndNoWorseThanByTheBetterOfTheOthers) {
    const auto& [trace, evaluation] = GetParam();
    const auto seeds = evaluation ? evaluation_seeds() : development_seeds();
    const Comparison result = compare(*trace, sanitized ? seeds.first(few_seeds) : seeds);
    std::cout << table({&result, 1});
    for (const RuleResult* rule : {&result.ours, &result.lru, &result.ollama}) {
        EXPECT_GT(rule->requests, 0u);
        EXPECT_EQ(rule->unserved, 0u);
        EXPECT_THAT(rule->violations, IsEmpty());
    }
    EXPECT_LE(result.ours.share_of_bound, 1) << "somebody waited past the bound";
    if (sanitized) {
        return;
    }
    const double most = trace->expectation == Expectation::better ? 0.75 : 1.05;
    EXPECT_LE(result.reload_ratio, most);
    EXPECT_LE(result.p95_ratio, most);
}

INSTANTIATE_TEST_SUITE_P(All, Traces, ::testing::ValuesIn(cases()), [](const auto& info) {
    return std::string(info.param.trace->name) + (info.param.evaluation ? "_evaluation" : "");
});

} // namespace
} // namespace hearth::simulator
