#include "tests/simulator/report.hpp"

#include <gmock/gmock.h>
#include <iostream>

/// Ours against the two others, trace by trace: with the seeds that it was tuned with and with others.
namespace hearth::simulator {
namespace {

using ::testing::IsEmpty;

struct Case {
    const TraceKind* trace;
    bool evaluation;
};

std::vector<Case> cases() {
    std::vector<Case> all;
    for (const TraceKind& trace : traces())
        for (const bool evaluation : {false, true})
            all.push_back({&trace, evaluation});
    return all;
}

class Traces : public ::testing::TestWithParam<Case> {};

/// One test for all of it: each is a process of its own, and a replay of so many seeds takes a moment.
TEST_P(Traces, AreServedWithinTheContractAndNoWorseThanByTheBetterOfTheOthers) {
    const auto& [trace, evaluation] = GetParam();
    const Comparison result = compare(*trace, evaluation ? evaluation_seeds() : development_seeds());
    std::cout << table({&result, 1});
    for (const RuleResult* rule : {&result.ours, &result.lru, &result.ollama}) {
        EXPECT_GT(rule->requests, 0u);
        EXPECT_EQ(rule->unserved, 0u);
        EXPECT_THAT(rule->violations, IsEmpty());
    }
    const double most = trace->expectation == Expectation::better ? 0.75 : 1.05;
    EXPECT_LE(result.reload_ratio, most);
    EXPECT_LE(result.p95_ratio, most);
    EXPECT_LE(result.ours.share_of_bound, 1) << "somebody waited past the bound";
}

INSTANTIATE_TEST_SUITE_P(All, Traces, ::testing::ValuesIn(cases()), [](const auto& info) {
    return std::string(info.param.trace->name) + (info.param.evaluation ? "_evaluation" : "");
});

} // namespace
} // namespace hearth::simulator
