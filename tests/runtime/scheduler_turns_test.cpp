/// Several apps, several models, not enough memory: who waits, for what, and what they hear.
#include "tests/runtime/fake_runtime.hpp"

#include <gmock/gmock.h>

namespace hearth::runtime {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr std::uint64_t gibibyte = 1u << 30;

/// Memory for one model of a gibibyte (1.35 with what the rule adds), unless a test says otherwise.
class SchedulerTurns : public SchedulerFixture {
  protected:
    void SetUp() override { limit_to(2); }
    void limit_to(double limit_gib) {
        config_.ram_limit_bytes = static_cast<std::uint64_t>(limit_gib * static_cast<double>(gibibyte));
        make_scheduler();
    }
    AcquireRequest wish(const std::string& name, const std::string& app = "app") {
        AcquireRequest request = request_for(make_model(name, gibibyte));
        request.app = app;
        request.on_wait = [this, name](const Place& place) {
            heard_.push_back(name + " " + std::to_string(place.ahead) + " " + place.reason);
        };
        return request;
    }
    LoadedModel row(const std::string& name) {
        for (LoadedModel& one : scheduler_->loaded()) {
            if (one.name == name) {
                return one;
            }
        }
        return {};
    }
    static void end(const std::shared_ptr<Pending>& pending) { pending->lease.reset(); }

    std::vector<std::string> heard_;
    std::uint64_t gpu_used_ = 0;
};

TEST_F(SchedulerTurns, ARequestWaitsForABusyModelInPlaceOfARefusal) {
    const auto first = start(wish("a"));
    const auto second = start(wish("b"));
    EXPECT_FALSE(second->done);
    EXPECT_EQ(row("b:latest").state, "waiting");
    EXPECT_EQ(row("b:latest").size_bytes, 0u);
    EXPECT_EQ(row("b:latest").waiting_requests, 1);
    time_.advance(4s);
    end(first);
    settle();
    ASSERT_TRUE(second->lease);
    EXPECT_EQ(second->lease->load_duration(), 4s);
    EXPECT_THAT(loaded_names(), ElementsAre("b:latest"));
}

TEST_F(SchedulerTurns, TwoModelsAreServedInGroupsAndNeitherStarves) {
    std::vector<std::shared_ptr<Pending>> a;
    std::vector<std::shared_ptr<Pending>> b;
    std::vector<std::shared_ptr<Pending>> answering;
    for (int second = 0; second < 120;
         ++second) { // both ask all the time, and an answer takes more than a second
        a.push_back(start(wish("a")));
        b.push_back(start(wish("b")));
        time_.advance(1s);
        settle();
        std::ranges::for_each(std::exchange(answering, {}), end);
        settle();
        for (const auto* asked : {&a, &b}) {
            std::ranges::copy_if(*asked, std::back_inserter(answering),
                                 [](const auto& one) { return one->lease != nullptr; });
        }
    }
    auto served = [](const auto& pending) {
        return std::ranges::count_if(pending, [](const auto& one) { return one->done && !one->failure; });
    };
    EXPECT_GT(served(a), 90);
    EXPECT_GT(served(b), 90);
    EXPECT_GE(runners_.size(), 4u);
    EXPECT_LE(runners_.size(), 2u + 120 / 15) << "one reload for each turn of 15 s";
}

TEST_F(SchedulerTurns, WhoWaitsHearsItsPlaceAndWhy) {
    const auto first = start(wish("a"));
    const auto second = start(wish("b"));
    const auto third = start(wish("c"));
    EXPECT_THAT(heard_, ElementsAre("b 0 a:latest is in use by 1 request, for at most 15 s more",
                                    HasSubstr("c 1 b:latest comes first")));
    EXPECT_THAT(events_, UnorderedElementsAre("model.loading a:latest", "model.loaded a:latest",
                                              "model.waiting b:latest", "model.waiting c:latest"));
    heard_.clear();
    end(first);
    settle();
    EXPECT_TRUE(second->lease);
    EXPECT_THAT(heard_, ElementsAre(HasSubstr("c 0 b:latest is in use by 1 request")));
}

TEST_F(SchedulerTurns, AQuickSwapIsNotCalledWaiting) {
    acquire(wish("a")).reset();
    acquire(wish("b")).reset();
    EXPECT_THAT(heard_, IsEmpty());
}

TEST_F(SchedulerTurns, APlaceThatOnlyCountsDownIsToldOnceASecond) {
    const auto first = start(wish("a"));
    const auto second = start(wish("b"));
    heard_.clear();
    for (int time = 0; time < 20; ++time) {
        time_.advance(100ms);
        acquire(wish("a")).reset(); // something happens
    }
    EXPECT_EQ(heard_.size(), 2u);
    EXPECT_EQ(std::ranges::count(events_, "model.waiting b:latest"), 1);
}

TEST_F(SchedulerTurns, WhoeverGivesUpLeavesTheLine) {
    const auto first = start(wish("a"));
    const auto second = start(wish("b"));
    const auto third = start(wish("c"));
    second->cancel.emit(boost::asio::cancellation_type::terminal);
    settle();
    EXPECT_TRUE(second->failure);
    EXPECT_THAT(loaded_names(), UnorderedElementsAre("a:latest", "c:latest"));
    end(first);
    settle();
    EXPECT_TRUE(third->lease);
    EXPECT_EQ(runners_.size(), 2u) << "b was never loaded";
}

TEST_F(SchedulerTurns, AModelWhoseTurnIsOverIsUsedAgainWhenNobodyWaitsAnyMore) {
    const auto first = start(wish("a"));
    const auto second = start(wish("b"));
    time_.advance(15s);
    settle();
    const auto third = start(wish("a"));
    EXPECT_FALSE(third->done);
    EXPECT_EQ(row("a:latest").reason, "in use by 1 request; makes room for b:latest");
    second->cancel.emit(boost::asio::cancellation_type::terminal);
    settle();
    EXPECT_TRUE(third->lease);
}

TEST_F(SchedulerTurns, NothingIsLoadedBeforeTheMemoryIsSeenFree) {
    config_.ram_limit_bytes.reset();
    make_scheduler();
    available_bytes_ = 2 * gibibyte;
    behaviours_["a:latest"].reported_bytes = gibibyte;
    const auto first = start(wish("a"));
    available_bytes_ = gibibyte;
    const auto second = start(wish("b"));
    end(first);
    settle();
    EXPECT_EQ(row("a:latest").state, "stopping") << "its process is gone, the memory not yet";
    EXPECT_EQ(runners_.size(), 1u);
    available_bytes_ = 2 * gibibyte;
    time_.advance(5ms);
    settle();
    EXPECT_TRUE(second->lease);
}

TEST_F(SchedulerTurns, MemoryThatNeverComesBackIsNotWaitedForForEver) {
    config_.ram_limit_bytes.reset();
    make_scheduler();
    available_bytes_ = 2 * gibibyte;
    behaviours_["a:latest"].reported_bytes = gibibyte;
    const auto first = start(wish("a"));
    available_bytes_ = gibibyte; // another program has taken what a gives back
    const auto second = start(wish("b"));
    end(first);
    for (int time = 0; time < 250 && !second->done; ++time) {
        time_.advance(5ms);
        settle();
    }
    EXPECT_EQ(second->code(), ErrorCode::memory_insufficient);
}

TEST_F(SchedulerTurns, ALineThatIsFullRefusesWhoComesNext) {
    const auto first = start(wish("a"));
    std::vector<std::shared_ptr<Pending>> waiting;
    for (std::size_t count = 0; count < Scheduler::most_waiting; ++count) {
        waiting.push_back(start(wish("b")));
    }
    EXPECT_EQ(start(wish("c"))->code(), ErrorCode::busy);
    EXPECT_TRUE(start(wish("a"))->lease) << "it need not wait";
    waiting.front()->cancel.emit(boost::asio::cancellation_type::terminal);
    settle();
    EXPECT_FALSE(start(wish("c"))->done);
}

TEST_F(SchedulerTurns, SmallModelsStayBesideLargeOnes) {
    limit_to(4);
    AcquireRequest small = request_for(make_model("embed", 70 * mebibyte));
    small.app = "rag";
    acquire(small).reset();
    const auto large = start(request_for(make_model("a", 2 * gibibyte)));
    end(large);
    time_.advance(10s);
    const auto larger = start(request_for(make_model("b", 2 * gibibyte)));
    EXPECT_TRUE(larger->lease);
    EXPECT_THAT(loaded_names(), UnorderedElementsAre("b:latest", "embed:latest"));
}

TEST_F(SchedulerTurns, PinnedModelsGoLast) {
    limit_to(3);
    AcquireRequest pinned = wish("a");
    pinned.keep_alive = -1s;
    acquire(pinned).reset();
    time_.advance(10min);
    acquire(wish("b")).reset();
    acquire(wish("c")).reset();
    EXPECT_THAT(loaded_names(), UnorderedElementsAre("a:latest", "c:latest"));
}

TEST_F(SchedulerTurns, TellsWhoUsesAModelAndWhyItIsHere) {
    config_.keep_alive = -1s;
    make_scheduler();
    const auto one = start(wish("a", "editor"));
    const auto two = start(wish("a", "editor"));
    const auto three = start(wish("a", "chat"));
    EXPECT_THAT(row("a:latest").users, UnorderedElementsAre(Pair("editor", 2), Pair("chat", 1)));
    EXPECT_EQ(row("a:latest").reason, "in use by 3 requests");
    EXPECT_THAT(row("a:latest").bytes, ElementsAre(Pair("cpu", row("a:latest").size_bytes)));
    end(one);
    end(two);
    end(three);
    EXPECT_THAT(row("a:latest").users, IsEmpty());
    EXPECT_EQ(row("a:latest").reason, "kept for ever");
    scheduler_->set_keep_alive("a:latest", 1min);
    EXPECT_THAT(row("a:latest").reason, HasSubstr("kept until "));
}

TEST_F(SchedulerTurns, UnloadingAModelThatIsWaitedForEndsTheWaiting) {
    const auto first = start(wish("a"));
    const auto second = start(wish("b"));
    EXPECT_TRUE(run(scheduler_->unload("b:latest")));
    EXPECT_EQ(second->code(), ErrorCode::cancelled);
    EXPECT_TRUE(start(wish("a"))->lease);
    EXPECT_THAT(loaded_names(), ElementsAre("a:latest"));
}

TEST_F(SchedulerTurns, StopEndsTheWaiting) {
    const auto first = start(wish("a"));
    const auto second = start(wish("b"));
    run(scheduler_->stop());
    EXPECT_EQ(second->code(), ErrorCode::cancelled);
}

/// A planner that gives what the room holds: as many tokens as mebibytes.
class SchedulerShares : public SchedulerTurns {
  protected:
    void SetUp() override {
        config_.ram_limit_bytes = 8192 * mebibyte;
        make_scheduler();
        planner_ = [](const registry::Model&, const LoadOptions& options, MemoryRoom room) {
            const auto most = static_cast<std::int64_t>(*room.limit_bytes / mebibyte);
            const std::int64_t context = options.context_tokens.value_or(std::min<std::int64_t>(6000, most));
            if (context > most || context < 1000) {
                throw Error(ErrorCode::memory_insufficient, "it has " + std::to_string(most) + " MiB",
                            "something smaller fits");
            }
            LoadPlan plan;
            plan.spec.context_tokens = context;
            plan.host_bytes = static_cast<std::uint64_t>(context) * mebibyte;
            return plan;
        };
    }
    AcquireRequest wish_tokens(const std::string& name, std::int64_t tokens) {
        AcquireRequest request = wish(name);
        request.options.context_tokens = tokens;
        return request;
    }
};

TEST_F(SchedulerShares, TakesASmallerContextBesideOthersAsLongAsItIsTheUsualOne) {
    const auto first = start(wish_tokens("a", 3000));
    const auto second = start(wish("b"));
    ASSERT_TRUE(second->lease);
    EXPECT_EQ(second->lease->context_tokens(), 5192);
}

TEST_F(SchedulerShares, WaitsForTheUsualContextInPlaceOfASmallerOne) {
    const auto first = start(wish_tokens("a", 5000));
    const auto second = start(wish("b"));
    EXPECT_FALSE(second->done);
    end(first);
    settle();
    EXPECT_EQ(second->lease->context_tokens(), 6000);
}

TEST_F(SchedulerShares, WaitsForTheRoomThatWasAskedForAndRefusesWhatIsNowhere) {
    const auto first = start(wish_tokens("a", 5000));
    const auto second = start(wish_tokens("b", 7000));
    const auto third = start(wish_tokens("c", 9000));
    EXPECT_FALSE(second->done);
    end(first);
    settle();
    EXPECT_EQ(second->lease->context_tokens(), 7000);
    EXPECT_EQ(third->code(), ErrorCode::memory_insufficient);
    EXPECT_THAT(to_error(third->failure).what(), HasSubstr("8192 MiB"));
}

TEST_F(SchedulerShares, OnlyWhoAskedForTooMuchIsRefused) {
    const auto first = start(wish_tokens("a", 8000));
    const auto too_much = start(wish_tokens("b", 9000));
    const auto modest = start(wish_tokens("b", 2000));
    EXPECT_EQ(too_much->code(), ErrorCode::memory_insufficient);
    EXPECT_FALSE(modest->done);
    end(first);
    settle();
    EXPECT_EQ(modest->lease->context_tokens(), 2000);
}

TEST_F(SchedulerShares, KeepsTheBytesOfEachDeviceApart) {
    planner_ = [this](const registry::Model&, const LoadOptions&, MemoryRoom room) {
        LoadPlan plan;
        plan.spec.context_tokens = 4096;
        plan.host_bytes = 100 * mebibyte;
        plan.accelerator_bytes = {{"gpu0", 6 * gibibyte}};
        plan.accelerator_room = {{"gpu0", 8 * gibibyte - gpu_used_ + room.freed["gpu0"]}};
        return plan;
    };
    acquire(wish("a")).reset();
    gpu_used_ = 6 * gibibyte;
    EXPECT_THAT(row("a:latest").bytes, ElementsAre(Pair("cpu", 100 * mebibyte), Pair("gpu0", 6 * gibibyte)));
    const auto lease = acquire(wish("b"));
    EXPECT_THAT(loaded_names(), ElementsAre("b:latest")) << "there is RAM for both, but not on the card";
}

} // namespace
} // namespace hearth::runtime
