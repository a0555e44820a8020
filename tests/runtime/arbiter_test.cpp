#include "tests/runtime/arbiter_fixture.hpp"

#include <gmock/gmock.h>

namespace hearth::runtime {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using ArbiterTest = ArbiterFixture;

TEST_F(ArbiterTest, LoadsOnceForAllWhoAsk) {
    model("a", 60);
    held_loads_.insert("a");
    const RequestId first = ask("a");
    const RequestId second = ask("a");
    EXPECT_FALSE(has(first) || has(second));
    finish_load("a");
    EXPECT_TRUE(has(first) && has(second));
    EXPECT_THAT(log_, ElementsAre("load a"));
}

TEST_F(ArbiterTest, CountsWhatIsBeingLoadedThoughTheSystemCallsItFree) {
    model("a", 60);
    model("b", 60);
    held_loads_.insert("a");
    ask("a");
    const RequestId second = ask("b");
    EXPECT_THAT(log_, ElementsAre("load a"));
    EXPECT_THAT(place(second), HasSubstr("1 a is being loaded"));
}

TEST_F(ArbiterTest, KeepsTheSumOfOursWithinTheLimit) {
    model("a", 30);
    model("b", 30);
    limit_ = 50;
    use_once("a");
    use_once("b");
    EXPECT_THAT(log_, ElementsAre("load a", "unload a: made room for b", "load b"));
}

TEST_F(ArbiterTest, BeginsTheNextLoadWhenTheMemoryOfWhatLeftIsSeenFree) {
    model("a", 60);
    model("b", 60);
    held_unloads_.insert("a");
    use_once("a");
    const RequestId next = ask("b");
    EXPECT_THAT(log_, ElementsAre("load a", "unload a: made room for b"));
    EXPECT_THAT(place(next), HasSubstr("a is being unloaded"));
    finish_unload("a");
    EXPECT_TRUE(has(next));
}

TEST_F(ArbiterTest, PlansAgainWhatDoesNotFitThoughAllOfOursAreGone) {
    model("a", 60);
    held_plans_.insert("a");
    ask("a");
    elsewhere_ = 50;
    arbiter_.planned("a", needs_["a"], now_);
    settle();
    EXPECT_EQ(plans_, 2);
    EXPECT_THAT(log_, IsEmpty());
    model("a", 40);
    arbiter_.planned("a", needs_["a"], now_);
    settle();
    EXPECT_THAT(log_, ElementsAre("load a"));
}

TEST_F(ArbiterTest, PlansOneAfterAnotherInTheOrderTheyCame) {
    model("a", 30);
    model("b", 30);
    held_plans_.insert("a");
    ask("a");
    const RequestId second = ask("b");
    EXPECT_EQ(plans_, 1);
    arbiter_.planned("a", needs_["a"], now_);
    settle();
    EXPECT_TRUE(has(second));
}

TEST_F(ArbiterTest, UnloadsAfterKeepAliveWhichStartsWithTheEndOfTheLastRequest) {
    model("a", 60);
    const RequestId request = ask("a");
    arbiter_.keep("a", 10s, now_);
    advance(1min);
    end(request);
    EXPECT_EQ(arbiter_.next_wake(), now_ + 10s);
    advance(10s - 1ns);
    EXPECT_THAT(loaded(), ElementsAre("a"));
    advance(1ns);
    EXPECT_THAT(log_, ElementsAre("load a", "unload a: keep-alive ended"));
    EXPECT_EQ(arbiter_.next_wake(), std::nullopt);
}

TEST_F(ArbiterTest, KeepsForEverWhatIsKeptForEverOrForLongerThanTheClockLasts) {
    for (const auto keep_alive : {std::chrono::nanoseconds(-1), std::chrono::nanoseconds::max()}) {
        model("a", 60);
        use_once("a");
        arbiter_.keep("a", keep_alive, now_);
        advance(24h * 365);
        EXPECT_THAT(loaded(), ElementsAre("a"));
    }
}

TEST_F(ArbiterTest, ARetiredModelTakesNoNewRequestsAndIsLoadedAgainForThem) {
    model("a", 60);
    const RequestId running = ask("a");
    arbiter_.retire("a", "a larger context was asked for");
    const RequestId next = ask("a");
    EXPECT_FALSE(has(next));
    end(running);
    EXPECT_TRUE(has(next));
    EXPECT_THAT(log_, ElementsAre("load a", "unload a: a larger context was asked for", "load a"));
}

TEST_F(ArbiterTest, ADismissedModelGoesInUseOrNot) {
    model("a", 60);
    ask("a");
    arbiter_.dismiss("a", "asked for");
    settle();
    EXPECT_THAT(log_, ElementsAre("load a", "unload a: asked for"));
}

TEST_F(ArbiterTest, ALoadThatWasStoppedCountsUntilItsMemoryIsSeenFree) {
    model("a", 60);
    model("b", 60);
    held_loads_.insert("a");
    held_unloads_.insert("a");
    const RequestId first = ask("a"); // the system does not see its bytes yet
    arbiter_.dismiss("a", "asked for");
    end(first);
    const RequestId waiting = ask("b");
    EXPECT_FALSE(has(waiting));
    finish_unload("a");
    EXPECT_TRUE(has(waiting));
}

TEST_F(ArbiterTest, ARunnerThatDiedIsLoadedAgainForWhoAsksNext) {
    model("a", 60);
    const RequestId lost = ask("a");
    finish_unload("a");
    EXPECT_TRUE(has(ask("a")));
    end(lost); // its answer ends later; that is nothing to the new one
    EXPECT_THAT(log_, ElementsAre("load a", "load a"));
}

TEST_F(ArbiterTest, IgnoresWhatItDoesNotKnow) {
    arbiter_.ended(7, now_);
    arbiter_.gone("nobody", now_);
    arbiter_.planned("nobody", {}, now_);
    arbiter_.loaded("nobody", {}, 0s, now_);
    settle();
    EXPECT_EQ(arbiter_.place(7, now_), std::nullopt);
    EXPECT_THAT(log_, IsEmpty());
}

TEST_F(ArbiterTest, WhoeverLeavesWhileWaitingLeavesWhatIsInUseAlone) {
    model("a", 60);
    model("b", 60);
    const RequestId running = ask("a");
    advance(1min);
    const RequestId leaving = ask("b");
    EXPECT_FALSE(has(ask("a"))) << "b's turn has come";
    const RequestId back = last_request_;
    end(leaving);
    EXPECT_TRUE(has(back)) << "nobody waits for the room of a any more";
    end(running);
    EXPECT_THAT(log_, ElementsAre("load a"));
}

TEST_F(ArbiterTest, KeepsEachDevicesBytesApart) {
    needs_["a"] = {.bytes = {{"cpu", 10}, {"gpu0", 50}}, .reload = 5s};
    needs_["b"] = {.bytes = {{"cpu", 80}}, .reload = 1s};
    needs_["c"] = {.bytes = {{"gpu0", 30}}, .reload = 5s};
    Budget budget{.free = {{"cpu", 100}, {"gpu0", 60}}, .limit = {}};
    auto load = [&](const std::string& name, RequestId id) {
        arbiter_.requested({.id = id, .model = name}, now_);
        arbiter_.decide(budget, now_);
        arbiter_.planned(name, needs_[name], now_);
        return arbiter_.decide(budget, now_);
    };
    for (const auto& [name, id] : {std::pair("a", 1), std::pair("b", 2)}) {
        ASSERT_EQ(load(name, id).at(0).kind, Decision::Kind::load);
        arbiter_.loaded(name, needs_[name].bytes, 5s, now_);
        arbiter_.ended(id, now_);
    }
    budget.free = {{"cpu", 10}, {"gpu0", 10}};
    advance(1min);
    const std::vector<Decision> decisions = load("c", 3);
    ASSERT_EQ(decisions.at(0).kind, Decision::Kind::unload);
    EXPECT_EQ(decisions.at(0).model, "a") << "b is cheaper, but holds nothing there";
    EXPECT_EQ(decisions.size(), 1u);
}

} // namespace
} // namespace hearth::runtime
