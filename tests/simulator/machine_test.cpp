#include "tests/simulator/machine.hpp"

#include <gtest/gtest.h>

namespace hearth::simulator {
namespace {

using namespace std::chrono_literals;

PretendedModel model(std::string name, std::string device = "cpu") {
    return {.name = std::move(name),
            .bytes = {{device, 1000}},
            .reload = 4s,
            .prompt_speed = 100,
            .answer_speed = 10,
            .device = device};
}

/// Plays on until nothing is under way. @return when each request, load or unload was done, in seconds
std::vector<double> play(Machine& machine) {
    std::vector<double> times;
    while (const auto next = machine.next()) {
        for ([[maybe_unused]] const Machine::Event& event : machine.advance(*next))
            times.push_back(Seconds(next->time_since_epoch()).count());
    }
    return times;
}

TEST(SimulatedMachine, TakesTheTimeOfItsTokens) {
    const PretendedModel small = model("small");
    Machine machine;
    machine.answer(1, small, {"small", 200, 30});
    const std::vector<double> times = play(machine);
    ASSERT_EQ(times.size(), 1u);
    EXPECT_NEAR(times[0], 5, 1e-6);
}

TEST(SimulatedMachine, SharesTheDiskBetweenLoads) {
    const PretendedModel first = model("first"), second = model("second");
    Machine machine;
    machine.load(first);
    machine.load(second);
    const std::vector<double> times = play(machine);
    ASSERT_EQ(times.size(), 2u);
    EXPECT_NEAR(times[0], 8, 1e-6);
}

TEST(SimulatedMachine, SharesADeviceBetweenModelsButNotBetweenDevices) {
    const PretendedModel first = model("first"), second = model("second"), other = model("other", "gpu0");
    Machine machine;
    machine.answer(1, first, {"first", 0, 20});
    machine.answer(2, second, {"second", 0, 20});
    machine.answer(3, other, {"other", 0, 20});
    const std::vector<double> times = play(machine);
    ASSERT_EQ(times.size(), 3u);
    EXPECT_NEAR(times[0], 2, 1e-6);
    EXPECT_NEAR(times[1], 4, 1e-6);
    EXPECT_NEAR(times[2], 4, 1e-6);
}

TEST(SimulatedMachine, SlowsRequestsOnOneModelALittle) {
    const PretendedModel small = model("small");
    Machine machine;
    machine.answer(1, small, {"small", 0, 20});
    machine.answer(2, small, {"small", 0, 20});
    const std::vector<double> times = play(machine);
    ASSERT_EQ(times.size(), 2u);
    EXPECT_NEAR(times[1], 2.3, 1e-6);
}

TEST(SimulatedMachine, AllocatesAsALoadProceedsAndPromisesAllOfIt) {
    const PretendedModel small = model("small");
    Machine machine;
    machine.load(small);
    machine.advance(runtime::ArbiterTime(1s));
    EXPECT_EQ(machine.allocated(), (runtime::DeviceBytes{{"cpu", 250}}));
    EXPECT_EQ(machine.promised(), (runtime::DeviceBytes{{"cpu", 1000}}));
    EXPECT_FALSE(machine.ready("small"));
    machine.advance(runtime::ArbiterTime(4s));
    EXPECT_TRUE(machine.ready("small"));
    machine.unload(small);
    EXPECT_FALSE(machine.ready("small"));
    EXPECT_EQ(machine.promised(), (runtime::DeviceBytes{{"cpu", 1000}}));
    play(machine);
    EXPECT_TRUE(machine.promised().empty());
}

} // namespace
} // namespace hearth::simulator
