#include "tests/runtime/fake_runtime.hpp"

#include <gmock/gmock.h>

namespace hearth::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint64_t gibibyte = 1u << 30;

/// A planner that takes every wish, and else 4096 tokens and a gibibyte.
class SchedulerPlan : public SchedulerFixture {
  protected:
    SchedulerPlan() {
        planner_ = [this](const registry::Model&, const LoadOptions& options, MemoryRoom room) {
            rooms_.push_back(room);
            LoadPlan plan;
            plan.spec.context_tokens = options.context_tokens.value_or(4096);
            plan.spec.parallel = 2;
            plan.spec.threads = 7;
            plan.spec.kv_type = options.kv_type.value_or(memory::CacheType::f16);
            plan.spec.load_mode = memory::LoadMode::read;
            plan.host_bytes = need_bytes_;
            plan.text = "as planned";
            return plan;
        };
    }
    void limit_to(std::uint64_t bytes) {
        config_.ram_limit_bytes = bytes;
        make_scheduler();
    }
    AcquireRequest wish(const std::string& name) { return request_for(make_model(name, gibibyte)); }

    std::uint64_t need_bytes_ = gibibyte;
    std::vector<MemoryRoom> rooms_;
};

TEST_F(SchedulerPlan, TellsTheBackendWhatWasPlanned) {
    const auto lease = acquire(wish("a"));
    const LoadSpec& spec = runners_[0]->loaded;
    EXPECT_EQ(spec.context_tokens, 4096);
    EXPECT_EQ(spec.parallel, 2);
    EXPECT_EQ(spec.threads, 7);
    EXPECT_EQ(spec.load_mode, memory::LoadMode::read);
    EXPECT_EQ(spec.alias, "a:latest");
    EXPECT_EQ(scheduler_->loaded()[0].plan, "as planned");
}

TEST_F(SchedulerPlan, ReservesWhatThePlanSaysAndNotTheRule) {
    limit_to(3 * gibibyte);
    const auto first = acquire(wish("a"));
    const auto second = acquire(wish("b"));
    EXPECT_EQ(scheduler_->loaded()[0].size_bytes, gibibyte);
    const auto third = acquire(wish("c")); // the rule over file sizes would not have let it in
    EXPECT_FALSE(start(wish("d"))->done) << "the others are in use";
}

TEST_F(SchedulerPlan, PlansWithWhatIdleModelsHoldAsFree) {
    limit_to(3 * gibibyte);
    const auto busy = acquire(wish("a"));
    acquire(wish("b")).reset();
    const auto lease = acquire(wish("c"));
    EXPECT_EQ(rooms_[0].limit_bytes, 3 * gibibyte);
    EXPECT_EQ(rooms_[1].limit_bytes, 2 * gibibyte);
    EXPECT_EQ(rooms_[2].limit_bytes, 2 * gibibyte) << "b is idle and can go";
}

TEST_F(SchedulerPlan, AForcedLoadGoesAheadAndEndsWhatIsIdleFirst) {
    limit_to(2 * gibibyte);
    acquire(wish("a")).reset();
    need_bytes_ = 5 * gibibyte;
    AcquireRequest forced = wish("b");
    forced.options.force = true;
    const auto lease = acquire(std::move(forced));
    EXPECT_THAT(loaded_names(), ElementsAre("b:latest"));
}

TEST_F(SchedulerPlan, AnotherCacheTypeReloadsAndTheSameDoesNot) {
    AcquireRequest quantized = wish("a");
    quantized.options.kv_type = memory::CacheType::q8_0;
    acquire(wish("a")).reset();
    acquire(quantized).reset();
    EXPECT_EQ(runners_.size(), 2u);
    acquire(quantized).reset();
    acquire(wish("a")).reset();
    EXPECT_EQ(runners_.size(), 2u);
}

TEST_F(SchedulerPlan, MoreRequestsAtOnceOrAnotherLoadModeReloadAndFewerDoNot) {
    AcquireRequest two = wish("a");
    two.options.parallel = 2;
    acquire(two).reset();
    AcquireRequest four = wish("a");
    four.options.parallel = 4;
    acquire(four).reset();
    EXPECT_EQ(runners_.size(), 2u);
    acquire(two).reset();
    EXPECT_EQ(runners_.size(), 2u);
    AcquireRequest mapped = wish("a");
    mapped.options.load_mode = memory::LoadMode::mmap;
    acquire(mapped).reset();
    EXPECT_EQ(runners_.size(), 3u);
    acquire(mapped).reset();
    acquire(wish("a")).reset();
    EXPECT_EQ(runners_.size(), 3u);
}

TEST_F(SchedulerPlan, ASmallerOrEqualContextThanPlannedNeverReloads) {
    acquire(wish("a")).reset();
    for (const int tokens : {4096, 512}) {
        AcquireRequest smaller = wish("a");
        smaller.options.context_tokens = tokens;
        acquire(std::move(smaller)).reset();
    }
    EXPECT_EQ(runners_.size(), 1u);
}

TEST_F(SchedulerPlan, AWishThatCannotBeLeavesWhatIsLoadedAlone) {
    acquire(wish("a")).reset();
    const auto works = planner_;
    planner_ = [](const registry::Model&, const LoadOptions&, MemoryRoom) -> LoadPlan {
        throw Error(ErrorCode::memory_insufficient, "too long");
    };
    AcquireRequest longer = wish("a");
    longer.options.context_tokens = 1'000'000;
    EXPECT_EQ(start(std::move(longer))->code(), ErrorCode::memory_insufficient);
    EXPECT_THAT(loaded_names(), ElementsAre("a:latest"));
    planner_ = works;
    acquire(wish("a")).reset();
    EXPECT_EQ(runners_.size(), 1u);
}

TEST_F(SchedulerPlan, RecordsWhatWasLoadedAndHow) {
    behaviours_["a:latest"].reported_bytes = 12345;
    const auto lease = acquire(wish("a"));
    ASSERT_EQ(records_.size(), 1u);
    EXPECT_EQ(records_[0].plan->host_bytes, gibibyte);
    EXPECT_THAT(records_[0].info_json, HasSubstr("12345"));
    EXPECT_EQ(records_[0].plugin.name, "llama");
}

} // namespace
} // namespace hearth::runtime
