#include "runtime/memory/fit.hpp"

#include "base/error.hpp"
#include "tests/runtime/memory/known_models.hpp"
#include "tests/runtime/memory/pretended.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace hearth::tests {
namespace {

using namespace runtime::memory;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

Machine plain_machine() {
    return pretended_machine(32, 24000, 60e9, 8);
}

const Choice& choice_of(const Plan& plan, const std::string& quant) {
    return *std::ranges::find(plan.choices, quant, &Choice::quant);
}

const Choice& picked(const Plan& plan) {
    EXPECT_TRUE(plan.pick) << plan.advice;
    return plan.choices[plan.pick.value_or(0)];
}

ErrorCode refusal(const std::vector<Candidate>& candidates, const Wishes& wishes) {
    try {
        fit(candidates, wishes, plain_machine());
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::internal;
}

TEST(Fit, TakesTheSmallestPublishedFileThatIsGoodWhenTheUsualOneIsNotPublished) {
    const std::vector<Candidate> candidates{candidate_of(qwen3_8b, "Q8_0"), candidate_of(qwen3_8b, "Q5_K_M"),
                                            candidate_of(qwen3_8b, "IQ4_XS")};
    EXPECT_EQ(picked(fit(candidates, {}, plain_machine())).quant, "IQ4_XS");
}

TEST(Fit, LeavesHalfFloatsAloneWhenSomethingSmallerLosesNothing) {
    const Machine big = with_gpu(plain_machine(), 80, 78000, 2000e9);
    const Plan plan = fit(published(qwen3_8b), {}, big);
    EXPECT_EQ(picked(plan).quant, "Q8_0");
    EXPECT_THAT(choice_of(plan, "F16").reason, HasSubstr("loses nothing"));
    EXPECT_EQ(picked(fit({candidate_of(qwen3_8b, "F16")}, {}, big)).quant, "F16") << "the only one";
}

TEST(Fit, NeverPicksWhatASmallerFileBeats) {
    const Plan plan = fit(published(llama_3_1_8b), {}, plain_machine());
    EXPECT_EQ(choice_of(plan, "Q4_0").dominated_by, "IQ4_XS");
    EXPECT_THAT(choice_of(plan, "Q4_0").reason, HasSubstr("IQ4_XS is no larger and better"));
    EXPECT_TRUE(choice_of(plan, "Q4_K_M").dominated_by.empty());
}

TEST(Fit, NamesTheNextBetterAndTheNextWorse) {
    const Plan plan = fit(published(qwen3_8b), {}, plain_machine());
    EXPECT_EQ(picked(plan).quant, "Q4_K_M");
    EXPECT_EQ(plan.choices[plan.better.value()].quant, "Q5_K_S");
    EXPECT_EQ(plan.choices[plan.worse.value()].quant, "Q4_K_S");
    EXPECT_THAT(choice_of(plan, "Q5_K_S").reason, HasSubstr("too slow"));
}

TEST(Fit, OffersTheQuickerOneThatIsWholeOnTheGpuWithoutTakingIt) {
    const Machine machine = with_gpu(plain_machine(), 6, 4500, 400e9);
    const Plan plan = fit(published(llama_3_1_8b), {}, machine);
    EXPECT_EQ(picked(plan).quant, "Q4_K_M");
    EXPECT_EQ(picked(plan).placement, "partial");
    ASSERT_TRUE(plan.faster);
    EXPECT_EQ(plan.choices[*plan.faster].placement, "gpu");
    EXPECT_FALSE(plan.choices[*plan.faster].below_floor);
    EXPECT_FALSE(fit(published(llama_3_1_8b), {}, plain_machine()).faster) << "there is no GPU";
}

TEST(Fit, CrossesTheQualityFloorOnlyWhenAsked) {
    const Machine tight = pretended_machine(8, 3600, 30e9, 4); // IQ2_M and Q2_K would fit
    const Plan unasked = fit(published(llama_3_1_8b), {}, tight);
    EXPECT_FALSE(unasked.pick);
    EXPECT_TRUE(choice_of(unasked, "IQ2_M").fits);
    EXPECT_THAT(unasked.advice, HasSubstr("no quantization above the quality floor fits"));

    Wishes wishes;
    wishes.quant = "iq2_m";
    const Plan asked = fit(published(llama_3_1_8b), wishes, tight);
    EXPECT_EQ(picked(asked).quant, "IQ2_M");
    EXPECT_THAT(picked(asked).reason, HasSubstr("below the quality floor"));
}

TEST(Fit, ChoosesForOneSequenceAndThenMakesRoomForMore) {
    Wishes wishes;
    wishes.preferred_parallel = 4;
    const Plan roomy = fit(published(llama_3_1_8b), wishes, plain_machine());
    EXPECT_EQ(picked(roomy).options.parallel, 4);
    const Plan tight = fit(published(llama_3_1_8b), wishes, pretended_machine(16, 8200, 60e9, 8));
    EXPECT_EQ(picked(tight).quant, picked(roomy).quant);
    EXPECT_EQ(picked(tight).options.context, 8192u) << "fewer sequences before a smaller context";
    EXPECT_EQ(picked(tight).options.parallel, 3);
}

TEST(Fit, KeepsAContextThatWasAskedFor) {
    Wishes wishes;
    wishes.context = 20000;
    EXPECT_EQ(picked(fit(published(qwen3_8b), wishes, plain_machine())).options.context, 20000u);
    wishes.context = 1'000'000;
    const Plan plan = fit(published(llama_3_2_1b), wishes, plain_machine());
    EXPECT_EQ(picked(plan).options.context, 131072u) << "what the model was trained for";
}

TEST(Fit, DoesNotTalkOfAcceleratorsWhereAnotherOneWasAskedFor) {
    Wishes wishes;
    wishes.quant = "Q4_K_M";
    const Plan plan = fit(published(llama_3_2_1b), wishes, plain_machine());
    EXPECT_EQ(picked(plan).quant, "Q4_K_M");
    for (const Choice& choice : plan.choices) {
        EXPECT_THAT(choice.reason, ::testing::Not(HasSubstr("accelerators"))) << choice.quant;
    }
}

TEST(Fit, SaysSoWhenItCutsTheContextAndThatThereIsNoChoice) {
    Wishes wishes;
    wishes.context = 1'000'000;
    const std::vector<Candidate> all = published(llama_3_2_1b);
    const Plan plan = fit({all.front()}, wishes, plain_machine());
    EXPECT_THAT(picked(plan).reason,
                AllOf(HasSubstr("the only one"), HasSubstr("1000000 were asked for, it is made for 131072")));
}

TEST(Fit, OffersTheNearestPlansWhenAnExplicitWishDoesNotFit) {
    Wishes wishes;
    wishes.quant = "Q6_K";
    wishes.context = 32768;
    wishes.parallel = 4;
    wishes.kv_type = CacheType::f16;
    const Plan plan = fit(published(qwen3_8b), wishes, pretended_machine(16, 12000, 60e9, 8));
    EXPECT_FALSE(plan.pick);
    EXPECT_THAT(
        plan.nearest,
        ElementsAre(AllOf(Field(&Choice::quant, "Q6_K"), Field(&Choice::reason, "1 at once instead of 4")),
                    AllOf(Field(&Choice::quant, "Q6_K"),
                          Field(&Choice::reason, HasSubstr("tokens instead of 32768")))));
    EXPECT_THAT(plan.advice, AllOf(HasSubstr("Q6_K does not fit"), HasSubstr("1 at once instead of 4")));
}

TEST(Fit, OffersSmallerQuantizationsThatFitAsTheyWereAskedFor) {
    Wishes wishes;
    wishes.quant = "Q8_0";
    wishes.context = 8192;
    const Plan plan = fit(published(qwen3_8b), wishes, pretended_machine(16, 7000, 60e9, 8));
    ASSERT_GE(plan.nearest.size(), 2u);
    EXPECT_EQ(plan.nearest.back().reason, "a smaller quantization");
    for (const Choice& choice : plan.nearest) {
        EXPECT_TRUE(choice.fits) << choice.quant << choice.reason;
    }
}

TEST(Fit, OffersFewerLayersWhenTooManyWereAskedFor) {
    Wishes wishes;
    wishes.gpu_layers = 99;
    wishes.quant = "Q4_K_M";
    const Machine machine = with_gpu(pretended_machine(16, 10138, 38e9, 8), 6, 4000, 168e9);
    const Plan plan = fit(published(qwen3_8b), wishes, machine);
    EXPECT_FALSE(plan.pick);
    ASSERT_FALSE(plan.nearest.empty());
    EXPECT_EQ(plan.nearest[0].placement, "partial");
    EXPECT_THAT(plan.nearest[0].reason, HasSubstr("layers on the accelerators instead of 99"));
}

TEST(Fit, GoesAheadWithWhatDoesNotFitWhenForced) {
    Wishes wishes;
    wishes.quant = "Q8_0";
    wishes.force = true;
    const Plan plan = fit(published(qwen3_8b), wishes, pretended_machine(8, 4000, 30e9, 4));
    EXPECT_EQ(picked(plan).quant, "Q8_0");
    EXPECT_FALSE(picked(plan).fits);
    EXPECT_THAT(picked(plan).reason, HasSubstr("forced: needs"));
    EXPECT_FALSE(plan.nearest.empty()) << "what would have fitted";
}

TEST(Fit, UsesSeveralGpusWhenOneIsNotEnough) {
    Machine machine = pretended_machine(64, 50000, 50e9, 8);
    machine = with_gpu(with_gpu(machine, 24, 23000, 900e9), 24, 23000, 900e9);
    const Choice pick = picked(fit(published(llama_3_3_70b), {}, machine));
    EXPECT_EQ(pick.quant, "Q4_K_M");
    EXPECT_EQ(pick.placement, "gpus");
    ASSERT_EQ(pick.layers.split.size(), 2u);
    EXPECT_EQ(pick.layers.split[0] + pick.layers.split[1], 81) << "whole layers";
    EXPECT_NEAR(pick.layers.split[0], pick.layers.split[1], 2) << "equal devices are equally full";
}

TEST(Fit, DoesNotUseAGpuWhenTheCpuWasAskedFor) {
    Wishes wishes;
    wishes.device = "cpu";
    const Machine machine = with_gpu(plain_machine(), 24, 23000, 1000e9);
    EXPECT_EQ(picked(fit(published(qwen3_8b), wishes, machine)).placement, "cpu");
    wishes.device = "cuda0";
    EXPECT_EQ(picked(fit(published(qwen3_8b), wishes, machine)).placement, "gpu");
}

TEST(Fit, CountsUnifiedMemoryOnce) {
    Machine machine = pretended_machine(16, 7000, 100e9, 8);
    machine = with_gpu(machine, 16, 7000, 100e9);
    machine.accelerators[0].unified = true;
    const Plan plan = fit(published(qwen3_8b), {}, machine);
    EXPECT_FALSE(choice_of(plan, "Q8_0").fits) << "8.7 GB in a pool of 7.3, not in two";
    EXPECT_TRUE(choice_of(plan, "Q4_K_M").fits);
}

TEST(Fit, CountsProjectorAndDraft) {
    Candidate candidate = candidate_of(qwen3_8b, "Q4_K_M");
    const std::uint64_t alone = picked(fit({candidate}, {}, plain_machine())).memory.total_bytes();
    candidate.projector =
        registry::SideFileShape{.weight_bytes = 800 * mebibyte, .compute_bytes = 100 * mebibyte};
    candidate.draft = registry::SideFileShape{.weight_bytes = 400 * mebibyte, .compute_bytes = 0};
    const Choice pick = picked(fit({candidate}, {}, plain_machine()));
    EXPECT_EQ(pick.memory.total_bytes() - alone, 1300 * mebibyte);
}

TEST(Fit, SaysThatAnUnknownArchitectureNeedsTheEnginesOwnDryRun) {
    Candidate candidate = candidate_of(qwen3_8b, "Q4_K_M");
    candidate.shape.closed_form = false;
    const Plan plan = fit({candidate}, {}, plain_machine());
    EXPECT_FALSE(plan.pick);
    EXPECT_EQ(plan.choices[0].source, "dry-run");
    EXPECT_THAT(plan.choices[0].reason, HasSubstr("qwen3"));
}

TEST(Fit, SizesWithTheEstimatorThatItIsGiven) {
    int calls = 0;
    const Estimator twice = [&](const auto& shape, const auto& options, const auto& placement,
                                const auto& accelerators) {
        ++calls;
        Estimate made = estimate(shape, options, placement, accelerators);
        made.devices[0].compute += 20000 * mebibyte;
        return made;
    };
    EXPECT_FALSE(fit({candidate_of(qwen3_8b, "Q4_K_M")}, {}, plain_machine(), twice).pick);
    EXPECT_GT(calls, 0);
}

TEST(Fit, ChoosesOneThreadForATinyModelAndAllCoresForOthers) {
    KnownModel tiny = llama_3_2_1b;
    tiny.layers = 2;
    tiny.width = 256;
    tiny.feed_forward = 512;
    tiny.vocabulary = 512;
    EXPECT_EQ(picked(fit({candidate_of(tiny, "Q8_0")}, {}, plain_machine())).threads, 1);
    EXPECT_EQ(picked(fit({candidate_of(llama_3_2_1b, "Q8_0")}, {}, plain_machine())).threads, 8);
}

TEST(Fit, RefusesWishesOutOfRange) {
    const std::vector<Candidate> candidates{candidate_of(llama_3_2_1b, "Q8_0")};
    Wishes wishes;
    wishes.context = 0;
    EXPECT_EQ(refusal(candidates, wishes), ErrorCode::invalid_argument);
    wishes = {};
    wishes.parallel = 0;
    EXPECT_EQ(refusal(candidates, wishes), ErrorCode::invalid_argument);
    wishes = {};
    wishes.gpu_layers = -1;
    EXPECT_EQ(refusal(candidates, wishes), ErrorCode::invalid_argument);
    wishes = {};
    wishes.device = "cuda7";
    EXPECT_EQ(refusal(candidates, wishes), ErrorCode::invalid_argument);
    wishes = {};
    wishes.quant = "Q9_X";
    EXPECT_EQ(refusal(candidates, wishes), ErrorCode::model_not_found);
    EXPECT_EQ(refusal({}, {}), ErrorCode::model_not_found);
}

TEST(Speed, UsesWhatWasMeasuredAndIsNotQuickerThanMemory) {
    Machine machine = plain_machine();
    const std::vector<Candidate> candidates{candidate_of(llama_3_2_1b, "Q8_0")};
    const double assumed = picked(fit(candidates, {}, machine)).tokens_per_second;
    machine.host.throughput = {{"Q8_0", 10e9}, {"F32", 10e9}};
    EXPECT_LT(picked(fit(candidates, {}, machine)).tokens_per_second, assumed / 3);
    machine.host.throughput = {{"Q8_0", 900e9}, {"F32", 900e9}};
    EXPECT_LT(picked(fit(candidates, {}, machine)).tokens_per_second, 60 / 1.2);
}

TEST(Speed, IsNotGuessedForADeviceThatWasNeverMeasured) {
    Machine machine = plain_machine();
    machine.host.bandwidth = 0;
    EXPECT_EQ(picked(fit(published(llama_3_2_1b), {}, machine)).tokens_per_second, 0);
}

TEST(Speed, CountsTheExpertsThatATokenUses) {
    const Machine machine = plain_machine();
    const double experts =
        picked(fit({candidate_of(qwen3_30b_a3b, "Q4_K_M")}, {}, machine)).tokens_per_second;
    const double dense = picked(fit({candidate_of(qwen3_8b, "Q4_K_M")}, {}, machine)).tokens_per_second;
    EXPECT_GT(experts, dense * 1.5) << "3 of 30 billion parameters against 8";
}

TEST(LoadSeconds, FollowTheDisk) {
    const registry::ModelShape shape = shape_of(qwen3_8b, "Q4_K_M");
    Machine machine = plain_machine();
    EXPECT_NEAR(expect_load_seconds(shape, machine), 5.0, 0.1) << "1 GB/s where nothing was measured";
    machine.disk_bandwidth = 5e9;
    EXPECT_NEAR(expect_load_seconds(shape, machine), 1.0, 0.1);
}

} // namespace
} // namespace hearth::tests
