/// The rules to compare with, and the parts of ours: choice of a set, statistics, sums.
#include "runtime/scheduler/device_room.hpp"
#include "runtime/scheduler/eviction_choice.hpp"
#include "runtime/scheduler/usage_record.hpp"
#include "tests/runtime/arbiter_fixture.hpp"

#include <gmock/gmock.h>

namespace hearth::runtime {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

class LruRule : public ArbiterFixture {
  protected:
    LruRule() {
        use(SwitchRule::lru);
        for (const char* name : {"a", "b", "c"}) {
            model(name, 45);
        }
    }
};

TEST_F(LruRule, TheIdleModelUsedLongestAgoGoesWhateverItCosts) {
    model("a", 45, 1ms);
    model("b", 45, 1h);
    use_once("b");
    advance(1s);
    use_once("a");
    advance(1s);
    use_once("c");
    EXPECT_THAT(loaded(), ElementsAre("a", "c"));
}

TEST_F(LruRule, ABusyModelMakesRoomWithoutATurn) {
    const RequestId first = ask("a");
    advance(1ms);
    ask("b");
    const RequestId waiting = ask("c");
    EXPECT_FALSE(has(ask("a")));
    EXPECT_TRUE(has(ask("b")));
    end(first);
    EXPECT_TRUE(has(waiting));
}

class OllamaRule : public ArbiterFixture {
  protected:
    OllamaRule() {
        use(SwitchRule::ollama);
        for (const char* name : {"a", "b", "c"}) {
            model(name, 45);
        }
    }
};

TEST_F(OllamaRule, TheShortestKeepAliveGoesThenTheFirstByName) {
    use_once("a");
    use_once("b");
    arbiter_.keep("a", -1s, now_);
    arbiter_.keep("b", 1h, now_);
    use_once("c");
    EXPECT_THAT(loaded(), ElementsAre("a", "c"));
    arbiter_.keep("a", 1h, now_);
    arbiter_.keep("c", 1h, now_);
    use_once("b");
    EXPECT_THAT(loaded(), ElementsAre("b", "c"));
}

TEST_F(OllamaRule, SteadyTrafficOnAVictimStarvesWhoWaits) {
    arbiter_.keep("b", -1s, now_);
    RequestId running = ask("a");
    ask("b");
    const RequestId waiting = ask("c");
    for (int time = 0; time < 100; ++time) {
        const RequestId next = ask("a");
        EXPECT_TRUE(has(next));
        end(running);
        running = next;
        advance(1s);
    }
    EXPECT_FALSE(has(waiting));
    end(running);
    EXPECT_TRUE(has(waiting));
}

TEST_F(OllamaRule, OneQueueIsServedInTheOrderRequestsCame) {
    const RequestId first = ask("a");
    const RequestId other = ask("b");
    held_loads_.insert("c");
    const RequestId second = ask("c");
    const RequestId third = ask("a");
    EXPECT_TRUE(has(third)) << "it is loaded: past the queue";
    end(first);
    end(third);
    const RequestId fourth = ask("a");
    const RequestId fifth = ask("c");
    finish_load("c");
    EXPECT_TRUE(has(second));
    EXPECT_FALSE(has(fourth)) << "the others are in use";
    EXPECT_FALSE(has(fifth)) << "c is loaded, but a came first";
    end(second);
    EXPECT_FALSE(has(fourth)) << "b was chosen to go, and is in use";
    end(other);
    EXPECT_TRUE(has(fourth) && has(fifth));
}

TEST_F(OllamaRule, OneUnloadAtATime) {
    model("all", 90);
    held_unloads_.insert("a");
    use_once("a");
    use_once("b");
    const RequestId waiting = ask("all");
    EXPECT_THAT(log_, ElementsAre("load a", "load b", "unload a: made room for all"));
    finish_unload("a");
    EXPECT_TRUE(has(waiting));
}

EvictionCandidate candidate(std::string name, std::uint64_t bytes, double cost) {
    return {.name = std::move(name), .bytes = {{"cpu", bytes}}, .cost = cost};
}

TEST(EvictionChoice, FreesEnoughAtTheLeastSum) {
    const std::vector<EvictionCandidate> candidates = {candidate("big", 10, 5), candidate("one", 5, 2),
                                                       candidate("two", 5, 2), candidate("tiny", 1, 0.1)};
    EXPECT_THAT(choose_eviction(candidates, {{"cpu", 10}}), Optional(ElementsAre(1, 2)));
    EXPECT_THAT(choose_eviction(candidates, {{"cpu", 11}}), Optional(ElementsAre(1, 2, 3)));
    EXPECT_THAT(choose_eviction(candidates, {{"cpu", 21}}), Optional(ElementsAre(0, 1, 2, 3)));
    EXPECT_EQ(choose_eviction(candidates, {{"cpu", 22}}), std::nullopt);
    EXPECT_EQ(choose_eviction(candidates, {{"gpu0", 1}}), std::nullopt);
    EXPECT_THAT(choose_eviction(candidates, {}), Optional(IsEmpty()));
}

TEST(EvictionChoice, TakesTheFewestAndThenTheFirstByNameAtTheSameCost) {
    EXPECT_THAT(
        choose_eviction({candidate("b", 5, 1), candidate("c", 9, 2), candidate("a", 5, 1)}, {{"cpu", 9}}),
        Optional(ElementsAre(1)));
    EXPECT_THAT(choose_eviction({candidate("b", 5, 1), candidate("a", 5, 1)}, {{"cpu", 5}}),
                Optional(ElementsAre(1)));
}

TEST(EvictionChoice, FreesEnoughOnEveryDevice) {
    const std::vector<EvictionCandidate> candidates = {
        candidate("host", 9, 1),
        {.name = "card", .bytes = {{"gpu0", 9}}, .cost = 1},
        {.name = "both", .bytes = {{"cpu", 9}, {"gpu0", 9}}, .cost = 3}};
    EXPECT_THAT(choose_eviction(candidates, {{"cpu", 9}, {"gpu0", 9}}), Optional(ElementsAre(0, 1)));
}

TEST(EvictionChoice, IsCloseToTheBestWithManyCandidates) {
    std::vector<EvictionCandidate> candidates;
    for (int index = 0; index < 40; ++index) {
        candidates.push_back(candidate("m" + std::to_string(index), 10, index < 20 ? 1 : 5));
    }
    const auto chosen = choose_eviction(candidates, {{"cpu", 95}});
    ASSERT_TRUE(chosen);
    EXPECT_EQ(chosen->size(), 10u);
    EXPECT_LT(chosen->back(), 20u) << "cheap ones only";
}

const ArbiterTime start{1h};

TEST(UsageRecord, WhoReturnsOftenAndLatelyReturnsMoreProbably) {
    UsageRecord often;
    UsageRecord once;
    UsageRecord before;
    for (int time = 0; time < 10; ++time) {
        often.note_request(start + time * 10s, true);
        often.note_end(start + time * 10s);
        before.note_request(start - 2h + time * 10s, true);
        before.note_end(start - 2h + time * 10s);
    }
    once.note_request(start, true);
    once.note_end(start);
    const auto now = start + 100s;
    EXPECT_GT(often.chance_of_reuse(now, 2min), 0.8);
    EXPECT_LT(once.chance_of_reuse(now, 2min), 0.3);
    EXPECT_LT(before.chance_of_reuse(now, 2min), once.chance_of_reuse(now, 2min));
    EXPECT_EQ(UsageRecord().chance_of_reuse(now, 2min), 0);
}

TEST(UsageRecord, RequestsOfOneBurstCountOnce) {
    UsageRecord burst;
    UsageRecord single;
    for (int request = 0; request < 100; ++request) {
        burst.note_request(start, request == 0);
    }
    single.note_request(start, true);
    EXPECT_EQ(burst.chance_of_reuse(start + 1s, 2min), single.chance_of_reuse(start + 1s, 2min));
}

TEST(UsageRecord, ExpectsTheNextRequestAfterTheUsualGap) {
    UsageRecord record;
    auto now = start;
    EXPECT_EQ(record.expected_return(2s, now), std::nullopt);
    for (const auto gap : {300ms, 200ms, 300ms}) {
        record.note_request(now, true);
        record.note_end(now);
        now += gap;
    }
    record.note_request(now, true);
    record.note_end(now);
    const auto back = record.expected_return(2s, now);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->by, now + 425ms);
    EXPECT_EQ(back->chance, 1);
    EXPECT_EQ(record.expected_return(2s, now + 425ms), std::nullopt);
    EXPECT_EQ(record.expected_return(100ms, now), std::nullopt);
}

TEST(DeviceRoom, GoesBelowZeroAndHasNoBoundWhereNothingIsKnown) {
    DeviceRoom room(DeviceBytes{{"cpu", 10}, {"huge", ~0ULL}});
    room.take({{"cpu", 15}, {"huge", 1ULL << 40}, {"gpu0", 5}});
    EXPECT_TRUE(room.holds({{"huge", 1ULL << 50}, {"gpu0", 1ULL << 50}, {"cpu", 0}}));
    EXPECT_THAT(room.lacks({{"cpu", 1}}), ElementsAre(std::pair("cpu", 6)));
    room.add({{"cpu", 6}});
    EXPECT_TRUE(room.holds({{"cpu", 1}}));
}

} // namespace
} // namespace hearth::runtime
