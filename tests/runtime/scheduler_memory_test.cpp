#include "tests/runtime/fake_runtime.hpp"

#include "runtime/scheduler/memory_rule.hpp"

#include <gmock/gmock.h>

namespace hearth::runtime {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr std::uint64_t gibibyte = 1u << 30;

/// Each model of a gibibyte needs 1.1 + 0.25 GiB; memory is limited to `limit_gib`.
class SchedulerMemory : public SchedulerFixture {
  protected:
    void limit_to(double limit_gib) {
        config_.ram_limit_bytes = static_cast<std::uint64_t>(limit_gib * static_cast<double>(gibibyte));
        make_scheduler();
    }
    registry::Model big(const std::string& name) { return make_model(name, gibibyte); }
};

TEST_F(SchedulerMemory, EvictsTheModelThatIsIdleForTheLongest) {
    limit_to(3);
    acquire(big("a")).reset();
    time_.advance(1s);
    acquire(big("b")).reset();
    time_.advance(1s);
    acquire(big("a")).reset();
    time_.advance(1s);
    acquire(big("c")).reset();
    EXPECT_THAT(loaded_names(), UnorderedElementsAre("a:latest", "c:latest"));
}

TEST_F(SchedulerMemory, WaitsUntilTheEvictedOneHasEnded) {
    limit_to(2);
    behaviours_["a:latest"].hold_stop = true;
    acquire(big("a")).reset();
    const auto pending = start(request_for(big("b")));
    EXPECT_FALSE(pending->done);
    EXPECT_EQ(runners_.size(), 1u) << "nothing is started before the memory is free";
    runners_[0]->finish_stop();
    settle();
    EXPECT_TRUE(pending->lease);
}

TEST_F(SchedulerMemory, RefusesOnlyWhatCannotFitAloneAndSaysWhatWouldHelp) {
    limit_to(2);
    const auto lease = acquire(big("a"));
    try {
        acquire(make_model("huge", 2 * gibibyte));
        FAIL() << "it was loaded";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::memory_insufficient);
        EXPECT_THAT(error.what(), HasSubstr("huge:latest needs about 2.6 GB"));
        EXPECT_THAT(error.what(), HasSubstr("2.1 GB can be had (limit 2.1 GB)"));
        EXPECT_THAT(error.hint(), HasSubstr("memory.ram_limit"));
    }
    EXPECT_THAT(loaded_names(), ElementsAre("a:latest"));
}

TEST_F(SchedulerMemory, EvictsNothingInVain) {
    limit_to(3);
    acquire(big("a")).reset();
    EXPECT_EQ(start(request_for(make_model("huge", 40 * gibibyte)))->code(), ErrorCode::memory_insufficient);
    EXPECT_THAT(loaded_names(), ElementsAre("a:latest"));
}

TEST_F(SchedulerMemory, TwoLoadsDoNotCountTheSameFreeMemory) {
    available_bytes_ = 2 * gibibyte;
    behaviours_["a:latest"].hold_load = true;
    const auto first = start(request_for(big("a")));
    const auto second = start(request_for(big("b")));
    EXPECT_EQ(runners_.size(), 1u);
    available_bytes_ = gibibyte / 2;
    runners_[0]->finish_load();
    settle();
    EXPECT_TRUE(first->lease);
    EXPECT_FALSE(second->done) << "a is in use";
    available_bytes_ = 2 * gibibyte;
    first->lease.reset();
    settle();
    EXPECT_TRUE(second->lease);
}

TEST_F(SchedulerMemory, CountsWhatTheBackendReported) {
    limit_to(4);
    behaviours_["a:latest"].reported_bytes = 3 * gibibyte;
    const auto lease = acquire(big("a"));
    EXPECT_EQ(scheduler_->loaded()[0].size_bytes, 3 * gibibyte);
    EXPECT_FALSE(start(request_for(big("b")))->done) << "a is in use";
}

TEST_F(SchedulerMemory, LoadsTheNextAfterARefusedOne) {
    limit_to(2);
    EXPECT_EQ(start(request_for(make_model("huge", 40 * gibibyte)))->code(), ErrorCode::memory_insufficient);
    EXPECT_TRUE(acquire(big("a")));
}

TEST_F(SchedulerMemory, ABackendWithoutAModelNeedsNoMemory) {
    limit_to(0);
    AcquireRequest request;
    request.name = "anything";
    request.options.backend = "echo";
    EXPECT_TRUE(acquire(request));
}

std::vector<registry::ModelFile> files_of(std::vector<std::uint64_t> sizes) {
    std::vector<registry::ModelFile> files;
    for (const std::uint64_t size : sizes) {
        registry::ModelFile file{.digest = sha256_of("x"), .size_bytes = size};
        files.push_back(file);
    }
    return files;
}

TEST(MemoryRule, AddsATenthAndAQuarterOfAGibibyteToTheWeights) {
    EXPECT_EQ(estimate_need_bytes(files_of({600 * mebibyte, 400 * mebibyte})), 1356 * mebibyte);
}

TEST(MemoryRule, CountsTinyModelsTwice) {
    EXPECT_EQ(estimate_need_bytes(files_of({mebibyte})), 66 * mebibyte);
    EXPECT_EQ(estimate_need_bytes({}), 0u);
}

TEST(MemoryRule, DoesNotOverflowOnAbsurdSizes) {
    EXPECT_EQ(estimate_need_bytes(files_of({~0ull, ~0ull})), ~0ull);
}

TEST(MemoryRule, TakesTheSmallerOfTheSystemsAndTheLimitsRoom) {
    MemoryState state;
    state.available_bytes = 10;
    state.holders = {
        {"a", Holder::Kind::idle, 4}, {"b", Holder::Kind::busy, 3}, {"c", Holder::Kind::loading, 2}};
    EXPECT_EQ(free_bytes(state), 8u) << "what is being loaded will be gone";
    EXPECT_EQ(reachable_bytes(state), 12u);
    state.limit_bytes = 12;
    EXPECT_EQ(free_bytes(state), 3u);
    EXPECT_EQ(reachable_bytes(state), 7u);
    state.limit_bytes = 5;
    EXPECT_EQ(free_bytes(state), 0u);
    EXPECT_EQ(reachable_bytes(state), 0u);
}

TEST(MemoryRule, ReadsWhatTheSystemHas) {
    EXPECT_GT(system_available_bytes(), mebibyte);
    EXPECT_LT(system_available_bytes(), 1ull << 50);
}

} // namespace
} // namespace hearth::runtime
