/// Rule cost: whose turn it is.
#include "tests/runtime/arbiter_fixture.hpp"

#include <gmock/gmock.h>

namespace hearth::runtime {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// a and b do not fit together.
class ArbiterTurns : public ArbiterFixture {
  protected:
    ArbiterTurns() {
        model("a", 60);
        model("b", 60);
    }
};

TEST_F(ArbiterTurns, WhatIsInUseHasItsTurnAndThenMakesRoom) {
    const RequestId first = ask("a");
    const RequestId waiting = ask("b");
    advance(15s - 1ns);
    const RequestId late = ask("a");
    EXPECT_TRUE(has(late)) << "it is still the turn of a";
    EXPECT_EQ(place(waiting), "0 a is in use by 2 requests, for at most 1 s more");
    EXPECT_EQ(arbiter_.next_wake(), now_ + 1ns);
    advance(1ns);
    const RequestId later = ask("a");
    EXPECT_FALSE(has(later));
    EXPECT_THAT(place(later), HasSubstr("1 a is being unloaded: b waits for its room"));
    end(first);
    EXPECT_FALSE(has(waiting)) << "one still runs";
    end(late);
    EXPECT_TRUE(has(waiting));
    EXPECT_FALSE(has(later));
    advance(15s);
    end(waiting);
    EXPECT_TRUE(has(later));
}

TEST_F(ArbiterTurns, WhatHadItsTurnLongAgoMakesRoomAtOnce) {
    const RequestId running = ask("a");
    advance(1h);
    const RequestId waiting = ask("b");
    EXPECT_FALSE(has(ask("a")));
    end(running);
    EXPECT_TRUE(has(waiting));
}

TEST_F(ArbiterTurns, ATurnIsAtLeastAsLongAsTheLoadItCost) {
    model("slow", 60, 60s);
    const RequestId running = ask("slow");
    ask("b");
    advance(60s - 1ns);
    EXPECT_TRUE(has(ask("slow")));
    advance(1ns);
    EXPECT_FALSE(has(ask("slow")));
    EXPECT_TRUE(has(running));
}

TEST_F(ArbiterTurns, AnIdleModelMakesRoomAtOnceForWhoAlternates) {
    for (int round = 0; round < 3; ++round) {
        use_once("a");
        advance(3s);
        use_once("b");
        advance(3s);
    }
    EXPECT_EQ(log_.size(), 11u) << "six loads and five unloads: nobody waited";
}

/// Programs that ask again 100 ms after each answer, and how often each was answered.
class Agents {
  public:
    Agents(std::vector<std::string> models, std::chrono::nanoseconds answer) : answer_(answer) {
        for (std::string& model : models) {
            agents_.push_back({.model = std::move(model)});
        }
    }
    template <class Fixture> void step(Fixture& fixture, std::chrono::nanoseconds time) {
        for (Agent& agent : agents_) {
            if (!agent.request && time - agent.since >= 100ms) {
                agent.request = fixture.ask(agent.model);
                agent.since = time;
            } else if (agent.request && !fixture.has(*agent.request)) {
                agent.since = time;
            } else if (agent.request && time - agent.since >= answer_) {
                fixture.end(*std::exchange(agent.request, {}));
                agent.since = time;
                ++agent.answers;
            }
        }
    }
    int answers(std::size_t agent) const { return agents_[agent].answers; }

  private:
    struct Agent {
        std::string model;
        std::optional<RequestId> request{};
        std::chrono::nanoseconds since{};
        int answers = 0;
    };
    std::chrono::nanoseconds answer_;
    std::vector<Agent> agents_;
};

class ArbiterTurnsOfAgents : public ArbiterTurns {
  public: // for Agents
    using ArbiterFixture::ask;
    using ArbiterFixture::end;
    using ArbiterFixture::has;

  protected:
    void play(Agents& agents, std::chrono::nanoseconds until) {
        for (; time_ < until; time_ += 50ms) {
            agents.step(*this, time_);
            advance(50ms);
        }
    }
    std::ptrdiff_t loads() const {
        return std::ranges::count_if(log_, [](const auto& line) { return line.starts_with("load"); });
    }

    std::chrono::nanoseconds time_{};
};

TEST_F(ArbiterTurnsOfAgents, AreLongWhereMostRequestsThenDoNotWait) {
    Agents agents({"a", "b"}, 1s);
    play(agents, 600s);
    EXPECT_LE(loads(), 4 + 600 / 75) << "the first turns are of the usual length";
    EXPECT_GE(agents.answers(0), 220);
    EXPECT_GE(agents.answers(1), 220);
}

TEST_F(ArbiterTurnsOfAgents, AreNotLongerThanTenTimesTheReloads) {
    model("a", 60, 1s);
    model("b", 60, 1s);
    Agents agents({"a", "b"}, 500ms);
    play(agents, 600s);
    EXPECT_GE(loads(), 600 / 21);
    EXPECT_LE(loads(), 4 + 600 / 20);
}

TEST_F(ArbiterTurnsOfAgents, AreOfTheUsualLengthWhereFewRequestsFit) {
    Agents agents({"a", "b"}, 4s);
    play(agents, 600s);
    EXPECT_GE(loads(), 600 / 20);
    EXPECT_LE(loads(), 2 + 600 / 15);
}

TEST_F(ArbiterTurnsOfAgents, EndWithEachAnswerThatTakesLongerThanTheReloads) {
    Agents agents({"a", "b"}, 12s);
    play(agents, 600s);
    EXPECT_GE(loads(), 600 / 12 - 5) << "but for the first few";
}

TEST_F(ArbiterTurnsOfAgents, LastThroughPausesThatAreShorterThanASwap) {
    for (const char* name : {"a", "b"}) {
        for (int time = 0; time < 30; ++time) {
            const RequestId request = ask(name);
            while (!has(request)) {
                advance(1s);
            }
            end(request);
            advance(100ms);
        }
    }
    const RequestId waiting = ask("a");
    advance(9s); // a tool runs; the two reloads take 10 s
    EXPECT_FALSE(has(waiting));
    use_once("b");
    advance(9s);
    EXPECT_FALSE(has(waiting));
    advance(1s);
    EXPECT_TRUE(has(waiting)) << "no tool runs for so long";
}

TEST_F(ArbiterTurnsOfAgents, AreOfTheUsualLengthForAPersonWhoWaits) {
    Agents agents({"a"}, 1s);
    play(agents, 40s);
    const RequestId waiting = ask("b");
    play(agents, 42s);
    EXPECT_TRUE(has(waiting)) << "a had its 15 seconds long ago";
}

TEST_F(ArbiterTurnsOfAgents, TellWhoWaitsTheLatestEnd) {
    Agents agents({"a", "b"}, 1s);
    play(agents, 200s);
    const auto loads_before = loads();
    while (loads() == loads_before) {
        play(agents, time_ + 50ms);
    }
    play(agents, time_ + 3s); // whoever was in his turn before has asked again
    std::string longest;
    for (RequestId request = 1; request <= last_request_; ++request) {
        if (const auto place = arbiter_.place(request, now_)) {
            longest = place->reason;
        }
    }
    EXPECT_THAT(longest, testing::ContainsRegex("for at most 7[0-5] s more"));
}

TEST_F(ArbiterTurns, AnIdleModelIsKeptForTheNextOfARowOfRequests) {
    for (int time = 0; time < 4; ++time) { // the gaps are known
        use_once("a");
        advance(200ms);
    }
    const RequestId running = ask("a");
    const RequestId waiting = ask("b");
    end(running);
    EXPECT_FALSE(has(waiting));
    EXPECT_THAT(place(waiting), HasSubstr("a was just used"));
    advance(200ms);
    const RequestId again = ask("a");
    EXPECT_TRUE(has(again));
    end(again);
    advance(1s);
    EXPECT_TRUE(has(waiting)) << "it is away for longer than usual";
}

TEST_F(ArbiterTurns, NobodyIsWaitedForWhereASwapIsQuickerThanTheUsualGap) {
    model("a", 60, 100ms);
    model("b", 60, 100ms);
    for (int time = 0; time < 4; ++time) {
        use_once("a");
        advance(1s);
    }
    use_once("a");
    EXPECT_TRUE(has(ask("b")));
}

TEST_F(ArbiterTurns, OnesTurnNeverComesTwiceBeforeTheOthers) {
    model("c", 60);
    const RequestId first = ask("a");
    const RequestId second = ask("b");
    const RequestId third = ask("c");
    EXPECT_EQ(place(third).front(), '1');
    advance(15s);
    const RequestId fourth = ask("a");
    EXPECT_EQ(place(fourth).front(), '2');
    end(first);
    EXPECT_TRUE(has(second));
    advance(15s);
    end(second);
    EXPECT_TRUE(has(third));
    EXPECT_FALSE(has(fourth));
}

TEST_F(ArbiterTurns, ALoadThatFitsGoesAheadWhereItDelaysNobody) {
    model("small", 30);
    model("large", 50);
    ask("a");
    const RequestId waiting = ask("b");
    EXPECT_TRUE(has(ask("small"))) << "b fits beside it when a is gone";
    EXPECT_FALSE(has(ask("large")));
    EXPECT_FALSE(has(waiting));
}

TEST_F(ArbiterTurns, ALoadThatFitsNowWaitsWhereItWouldDelayAnother) {
    model("all", 100);
    model("small", 30);
    const RequestId running = ask("a");
    const RequestId waiting = ask("all");
    const RequestId behind = ask("small");
    EXPECT_FALSE(has(behind)) << "all would have to wait for it, too";
    advance(15s);
    end(running);
    EXPECT_TRUE(has(waiting));
}

TEST_F(ArbiterTurns, OneBehindMakesRoomWhereItDelaysNobody) {
    model("c", 30);
    model("d", 30);
    use_once("c");
    const RequestId running = ask("a"); // 60 + 30
    advance(1s);
    const RequestId waiting = ask("b");
    EXPECT_TRUE(has(ask("d"))) << "in place of c, which b does not need";
    EXPECT_THAT(loaded(), ElementsAre("a", "d"));
    advance(15s);
    end(running);
    EXPECT_TRUE(has(waiting));
}

TEST_F(ArbiterTurns, SaysNothingWhereThereIsNothingToDecide) {
    EXPECT_THAT(arbiter_.decide(budget(), now_), IsEmpty());
    ask("a");
    EXPECT_THAT(arbiter_.decide(budget(), now_), IsEmpty());
}

} // namespace
} // namespace hearth::runtime
