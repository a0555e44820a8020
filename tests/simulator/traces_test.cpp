#include "tests/simulator/report.hpp"

#include <gmock/gmock.h>
#include <iostream>

/// Ours against the two others, trace by trace: with the seeds that it was tuned with and with others.
namespace hearth::simulator {
namespace {

using ::testing::IsEmpty;

struct Case {
    const TraceKind* trace;
    bool held_out;
};

std::vector<Case> cases() {
    std::vector<Case> all;
    for (const TraceKind& trace : traces())
        for (const bool held_out : {false, true})
            all.push_back({&trace, held_out});
    return all;
}

class Traces : public ::testing::TestWithParam<Case> {
  protected:
    const TraceKind& trace() const { return *GetParam().trace; }
    /// Replayed once, whatever is asked of it.
    const Comparison& comparison() const {
        static std::map<std::pair<const TraceKind*, bool>, Comparison> known;
        const std::pair key(GetParam().trace, GetParam().held_out);
        if (!known.contains(key)) {
            known[key] = compare(trace(), GetParam().held_out ? held_out_seeds() : tuning_seeds());
            std::cout << table({&known[key], 1});
        }
        return known[key];
    }
};

TEST_P(Traces, AreServedInFullWithinTheContractUnderEveryRule) {
    for (const RuleResult* result : {&comparison().ours, &comparison().lru, &comparison().ollama}) {
        EXPECT_GT(result->requests, 0u);
        EXPECT_EQ(result->unserved, 0u);
        EXPECT_THAT(result->violations, IsEmpty());
    }
}

TEST_P(Traces, KeepNobodyWaitingPastTheBound) {
    EXPECT_LE(comparison().ours.share_of_bound, 1);
}

TEST_P(Traces, ReloadAQuarterLessWhereDifferentProgramsAlternate) {
    if (trace().expectation == Expectation::better)
        EXPECT_LE(comparison().reload_ratio, 0.75);
}

INSTANTIATE_TEST_SUITE_P(All, Traces, ::testing::ValuesIn(cases()), [](const auto& info) {
    return std::string(info.param.trace->name) + (info.param.held_out ? "_held_out" : "");
});

} // namespace
} // namespace hearth::simulator
