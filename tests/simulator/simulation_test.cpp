#include "tests/simulator/simulation.hpp"

#include "tests/simulator/machine.hpp"
#include "tests/simulator/traces.hpp"

#include <gmock/gmock.h>

/// The simulator itself: what it counts, on traces small enough to be worked out by hand.
namespace hearth::simulator {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

/// Reload 4 s, answers at ten tokens a second; the limit is 1000.
PretendedModel model(std::string name, std::uint64_t bytes) {
    return {.name = std::move(name),
            .bytes = {{"cpu", bytes}},
            .reload = 4s,
            .prompt_speed = 100,
            .answer_speed = 10,
            .device = "cpu"};
}

Client one_ask(std::string app, Seconds at, std::string model, int answer_tokens) {
    return {.app = std::move(app), .steps = {{at, {{std::move(model), 0, answer_tokens}}}}};
}

Trace trace(std::vector<PretendedModel> models, std::vector<Client> clients) {
    return {.name = "by hand",
            .limit = {{"cpu", 1000}},
            .models = std::move(models),
            .clients = std::move(clients)};
}

class Simulations : public ::testing::TestWithParam<runtime::SwitchRule> {
  protected:
    Outcome simulate(const Trace& what) const {
        runtime::ArbiterSettings settings;
        settings.rule = GetParam();
        Outcome outcome = simulator::simulate(what, settings);
        EXPECT_THAT(outcome.violations, IsEmpty());
        EXPECT_EQ(outcome.unserved, 0u);
        return outcome;
    }
};

TEST_P(Simulations, CountTheLoadAsTheFirstWait) {
    const Outcome outcome =
        simulate(trace({model("a", 600)}, {one_ask("x", 1s, "a", 20), one_ask("y", 30s, "a", 20)}));
    ASSERT_EQ(outcome.served.size(), 2u);
    EXPECT_NEAR(outcome.served[0].wait.count(), 4.005, 0.01); // and the plan
    EXPECT_NEAR(outcome.served[0].took.count(), 2, 1e-6);
    EXPECT_NEAR(outcome.served[1].wait.count(), 0, 1e-6);
    EXPECT_THAT(outcome.loads, ElementsAre(Pair("a", 1)));
    EXPECT_EQ(outcome.reload, 4s);
}

TEST_P(Simulations, LoadAgainWhatHadToGo) {
    const Outcome outcome =
        simulate(trace({model("a", 600), model("b", 600)},
                       {one_ask("x", 1s, "a", 20), one_ask("y", 60s, "b", 20), one_ask("x", 120s, "a", 20)}));
    EXPECT_THAT(outcome.loads, ElementsAre(Pair("a", 2), Pair("b", 1)));
    EXPECT_EQ(outcome.reload, 12s);
    EXPECT_NEAR(outcome.served[2].wait.count(), 4 + unload_time.count(), 0.02);
}

TEST_P(Simulations, LoadNothingAgainWhereAllFits) {
    const Outcome outcome =
        simulate(trace({model("a", 500), model("b", 500)},
                       {one_ask("x", 1s, "a", 20), one_ask("y", 20s, "b", 20), one_ask("x", 40s, "a", 20)}));
    EXPECT_THAT(outcome.loads, ElementsAre(Pair("a", 1), Pair("b", 1)));
}

TEST_P(Simulations, AskNextOnlyWhenTheStepIsAnswered) {
    Client client{.app = "x", .steps = {{1s, {{"a", 0, 10}, {"a", 0, 10}}}, {5s, {{"a", 0, 10}}}}};
    const Outcome outcome = simulate(trace({model("a", 500)}, {client}));
    ASSERT_EQ(outcome.served.size(), 3u);
    // 1 + 4 for the load, two at once 1.15 each as one alone, the pause, one.
    EXPECT_NEAR(outcome.lasted.count(), 1 + 4.005 + 1.15 + 5 + 1, 0.02);
}

TEST_P(Simulations, AreTheSameEachTime) {
    for (const TraceKind& kind : traces().first(2)) {
        const Outcome first = simulate(kind.make(9)), second = simulate(kind.make(9));
        ASSERT_EQ(first.served.size(), second.served.size());
        for (std::size_t i = 0; i < first.served.size(); ++i)
            ASSERT_EQ(first.served[i].wait, second.served[i].wait);
        EXPECT_EQ(first.loads, second.loads);
    }
}

INSTANTIATE_TEST_SUITE_P(Rules, Simulations,
                         ::testing::Values(runtime::SwitchRule::cost, runtime::SwitchRule::lru,
                                           runtime::SwitchRule::ollama));

} // namespace
} // namespace hearth::simulator
