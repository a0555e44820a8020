#include "runtime/memory/budget.hpp"
#include "tests/runtime/memory/known_models.hpp"
#include "tests/runtime/memory/pretended.hpp"

#include <gmock/gmock.h>

#include <fmt/format.h>

#include <algorithm>

// Worked examples: published models on named machines, computed by hand and by llama.cpp's own dry run before the
// planner existed. Where its rules give another figure than the hand did, the row says so.
namespace hearth::tests {
namespace {

using namespace runtime::memory;

constexpr double gb = 1e9;

Machine laptop() {
    return pretended_machine(8, 4096, 30 * gb, 4);
}
Machine laptop_without_browser() {
    return pretended_machine(8, 5120, 30 * gb, 4);
}
Machine small_desktop() {
    return pretended_machine(16, 10138, 38 * gb, 8);
}
Machine desktop() {
    return with_gpu(small_desktop(), 6, 5600 - 700, 168 * gb);
}
Machine desktop_32() {
    return with_gpu(pretended_machine(32, 24883, 38 * gb, 8), 6, 5600 - 700, 168 * gb);
}
Machine workstation() {
    return with_gpu(pretended_machine(64, 53248, 55 * gb, 16), 24, 24064 - 1024, 1008 * gb);
}
Machine server() {
    return pretended_machine(24, 19046, 20 * gb, 2);
}

struct Example {
    const char* name;
    Machine where;
    const KnownModel* model;
    std::string quant = {}; ///< empty: nothing above the quality floor fits
    std::uint64_t context = 8192;
    CacheType kv_type = CacheType::f16;
    std::string placement = "cpu";
    double need_mib = 0;          ///< of all devices and the process; 0: not said
    double weights_mib = 0;       ///< 0: not said
    double tokens_per_second = 0; ///< 0: not said
    int gpu_layers = 0;
    int expert_layers_on_host = 0;
    double gpu_mib = 0; ///< 0: not said
    std::optional<std::uint64_t> wished_context = {};
    std::vector<std::string> only = {}; ///< the quantizations that the example chose from; empty: all
};

void PrintTo(const Example& example, std::ostream* out) {
    *out << example.name;
}

std::vector<Candidate> candidates_of(const Example& example) {
    std::vector<Candidate> list = published(*example.model);
    if (!example.only.empty()) {
        list.clear();
        for (const std::string& quant : example.only) {
            list.push_back(candidate_of(*example.model, quant));
        }
    }
    return list;
}

double mib(std::uint64_t bytes) {
    return static_cast<double>(bytes) / static_cast<double>(mebibyte);
}

double need_mib(const Estimate& memory) {
    std::uint64_t bytes = process_bytes;
    for (const DeviceBytes& one : memory.devices) {
        bytes += needed_bytes(one);
    }
    return mib(bytes);
}

double weights_mib(const Estimate& memory) {
    std::uint64_t bytes = 0;
    for (const DeviceBytes& one : memory.devices) {
        bytes += one.weights;
    }
    return mib(bytes);
}

class WorkedExample : public ::testing::TestWithParam<Example> {};

TEST_P(WorkedExample, IsPlannedAsComputedByHand) {
    const Example& example = GetParam();
    Wishes wishes;
    wishes.context = example.wished_context;
    wishes.load_mode = LoadMode::mmap; // as the examples were computed
    const Plan plan = fit(candidates_of(example), wishes, example.where);
    if (example.quant.empty()) {
        EXPECT_FALSE(plan.pick) << plan.choices[*plan.pick].quant;
        return;
    }
    ASSERT_TRUE(plan.pick) << plan.advice;
    const Choice& pick = plan.choices[*plan.pick];
    EXPECT_EQ(pick.quant, example.quant) << pick.reason;
    EXPECT_EQ(pick.options.context, example.context);
    EXPECT_EQ(cache_type_name(pick.options.kv_type), cache_type_name(example.kv_type));
    EXPECT_EQ(pick.placement, example.placement);
    EXPECT_EQ(pick.layers.gpu_layers, example.gpu_layers);
    EXPECT_EQ(pick.layers.expert_layers_on_host, example.expert_layers_on_host);
    const auto expect_near = [](double value, double expected, double tolerance, const char* what) {
        if (expected > 0) {
            EXPECT_NEAR(value, expected, expected * tolerance) << what;
        }
    };
    expect_near(need_mib(pick.memory), example.need_mib, 0.02, "MiB");
    expect_near(weights_mib(pick.memory), example.weights_mib, 0.02, "MiB of weights");
    expect_near(mib(pick.memory.devices.back().total()), example.gpu_mib, 0.02, "MiB on the GPU");
    expect_near(pick.tokens_per_second, example.tokens_per_second, 0.25, "tokens per second");
}

const Example examples[] = {
    {.name = "LaptopLlama1B",
     .where = laptop(),
     .model = &llama_3_2_1b,
     .quant = "Q8_0",
     .need_mib = 1641,
     .tokens_per_second = 15},
    {.name = "LaptopLlama8B",
     .where = laptop(),
     .model = &llama_3_1_8b,
     .quant = "IQ3_M",
     .context = 4096,
     .kv_type = CacheType::q8_0,
     .need_mib = 4055,
     .tokens_per_second = 3.5},
    {.name = "LaptopQwen8B", .where = laptop(), .model = &qwen3_8b},
    {.name = "EmptyLaptopQwen8B",
     .where = laptop_without_browser(),
     .model = &qwen3_8b,
     .quant = "Q4_K_S",
     .context = 4096,
     .kv_type = CacheType::q8_0,
     .need_mib = 5048,
     .tokens_per_second = 3.7},
    {.name = "DesktopQwen8B",
     .where = desktop(),
     .model = &qwen3_8b,
     .quant = "Q4_K_M",
     .kv_type = CacheType::q8_0,
     .placement = "partial",
     .need_mib = 5557,
     .tokens_per_second = 16,
     .gpu_layers = 34,
     .gpu_mib = 4797},
    {.name = "DesktopGemma12B",
     .where = desktop(),
     .model = &gemma_3_12b,
     .quant = "Q4_K_M",
     .placement = "partial",
     .need_mib = 8891,
     .tokens_per_second = 6,
     .gpu_layers = 27,
     .gpu_mib = 4831},
    // By hand Q3_K_M was not among the files. It is better, and fits: the test below.
    {.name = "DesktopQwen30B",
     .where = desktop(),
     .model = &qwen3_30b_a3b,
     .quant = "IQ3_M",
     .placement = "experts on host",
     .weights_mib = 12881,
     .gpu_layers = 49,
     .expert_layers_on_host = 35,
     .only = {"Q4_K_M", "IQ4_XS", "IQ3_M"}},
    // By hand experts of 41 layers were in RAM; of whole layers one more fits.
    {.name = "Desktop32Qwen30B",
     .where = desktop_32(),
     .model = &qwen3_30b_a3b,
     .quant = "Q4_K_M",
     .placement = "experts on host",
     .need_mib = 18631,
     .tokens_per_second = 15,
     .gpu_layers = 49,
     .expert_layers_on_host = 40,
     .gpu_mib = 4749},
    // Computed with a vocabulary of 128256, and with 10508 MiB in RAM, so not for 16 GiB. By hand
    // 4798 MiB were on the GPU, parts of layers among them; whole layers leave 4609.
    {.name = "DesktopGptOss",
     .where = desktop_32(),
     .model = &gpt_oss_20b_small_vocabulary,
     .quant = "Q4_K_M",
     .context = 16384,
     .placement = "experts on host",
     .need_mib = 15306,
     .tokens_per_second = 12,
     .gpu_layers = 25,
     .expert_layers_on_host = 19,
     .gpu_mib = 4609,
     .wished_context = 16384,
     .only = {"Q4_K_M"}},
    {.name = "SmallDesktopQwen8B",
     .where = small_desktop(),
     .model = &qwen3_8b,
     .quant = "Q4_K_M",
     .need_mib = 6114,
     .tokens_per_second = 4},
    {.name = "WorkstationQwen8B",
     .where = workstation(),
     .model = &qwen3_8b,
     .quant = "Q8_0",
     .context = 32768,
     .placement = "gpu",
     .need_mib = 13105,
     .tokens_per_second = 67,
     .gpu_layers = 37},
    // The figures by hand are the GPU's. The tied matrix is on the host once more: 1020 and 788 MiB.
    {.name = "WorkstationGemma12B",
     .where = workstation(),
     .model = &gemma_3_12b,
     .quant = "Q8_0",
     .context = 32768,
     .placement = "gpu",
     .tokens_per_second = 54,
     .gpu_layers = 49,
     .gpu_mib = 14667},
    {.name = "WorkstationGemma12BFull",
     .where = workstation(),
     .model = &gemma_3_12b,
     .quant = "Q4_K_M",
     .context = 131072,
     .placement = "gpu",
     .gpu_layers = 49,
     .gpu_mib = 15871,
     .wished_context = 131072,
     .only = {"Q4_K_M"}},
    {.name = "WorkstationQwen30B",
     .where = workstation(),
     .model = &qwen3_30b_a3b,
     .quant = "Q4_K_M",
     .context = 32768,
     .placement = "gpu",
     .need_mib = 20944,
     .tokens_per_second = 165,
     .gpu_layers = 49},
    // By hand 43 layers with 23014 MiB, without room for the weights that are copied over for a long prompt.
    {.name = "WorkstationLlama70B",
     .where = workstation(),
     .model = &llama_3_3_70b,
     .quant = "Q4_K_M",
     .placement = "partial",
     .need_mib = 43415,
     .tokens_per_second = 1.5,
     .gpu_layers = 42,
     .gpu_mib = 23014},
    {.name = "ServerLlama1B",
     .where = server(),
     .model = &llama_3_2_1b,
     .quant = "Q4_K_M",
     .need_mib = 1151,
     .tokens_per_second = 10},
    {.name = "ServerQwen8B",
     .where = server(),
     .model = &qwen3_8b,
     .quant = "Q4_K_M",
     .need_mib = 6114,
     .tokens_per_second = 1.7},
    {.name = "ServerQwen30B",
     .where = server(),
     .model = &qwen3_30b_a3b,
     .quant = "Q4_K_M",
     .need_mib = 18616,
     .tokens_per_second = 3.9},
};
INSTANTIATE_TEST_SUITE_P(All, WorkedExample, ::testing::ValuesIn(examples),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(WorkedExamples, TakesTheBetterFileWhereItIsPublished) {
    const Plan plan = fit(published(qwen3_30b_a3b), {}, desktop());
    ASSERT_TRUE(plan.pick);
    EXPECT_EQ(plan.choices[*plan.pick].quant, "Q3_K_M");
    EXPECT_NEAR(weights_mib(plan.choices[*plan.pick].memory), 14040, 140);
}

TEST(WorkedExamples, FillsTheGpuByContextAndCacheType) {
    const std::vector<Candidate> candidates{candidate_of(qwen3_8b, "Q4_K_M")};
    Wishes wishes;
    wishes.context = 4096;
    const Choice small = fit(candidates, wishes, desktop()).choices[0];
    EXPECT_EQ(small.placement, "gpu");
    EXPECT_NEAR(mib(small.memory.devices[1].total()), 4853, 97);
    wishes.context = 8192;
    wishes.kv_type = CacheType::f16;
    EXPECT_EQ(fit(candidates, wishes, desktop()).choices[0].layers.gpu_layers, 31);
}

TEST(WorkedExamples, SuggestsASmallerModelOfTheFamily) {
    const Plan plan = fit(published(qwen3_8b), {}, laptop());
    EXPECT_FALSE(plan.pick);
    EXPECT_THAT(plan.advice, ::testing::HasSubstr("of this family a model of about 6."));
}

TEST(WorkedExamples, SaysWhatFitsInsteadOfABigModel) {
    Wishes wishes;
    wishes.context = 16384;
    const Plan plan = fit({candidate_of(gpt_oss_20b_small_vocabulary, "Q4_K_M")}, wishes, desktop());
    EXPECT_FALSE(plan.pick) << "10508 MiB of RAM were needed";
    ASSERT_FALSE(plan.choices.empty());
    EXPECT_THAT(plan.choices[0].reason, ::testing::ContainsRegex("needs .* more on cpu"));
}

TEST(WorkedExamples, KeepsANativeFormatInSevenGibibytesOfRam) {
    Wishes wishes;
    wishes.context = 16384;
    const Plan plan = fit({candidate_of(gpt_oss_20b, "MXFP4")}, wishes, desktop());
    ASSERT_TRUE(plan.pick);
    const Choice& pick = plan.choices[*plan.pick];
    EXPECT_EQ(pick.placement, "experts on host");
    EXPECT_NEAR(mib(pick.memory.devices[0].total()) / 1024, 7.2, 0.3);
    EXPECT_EQ(pick.quality.grade, "near lossless");
}

/// The figures above rest on these: bytes of llama.cpp's own quantizer.
TEST(KnownModels, HaveTheSizesThatTheQuantizerMakes) {
    const auto weights = [](const KnownModel& model, const char* quant) {
        return mib(shape_of(model, quant).weight_bytes());
    };
    EXPECT_NEAR(weights(llama_3_2_1b, "F16"), 2357, 3);
    EXPECT_NEAR(weights(llama_3_2_1b, "Q4_K_M"), 763, 3);
    EXPECT_NEAR(weights(llama_3_1_8b, "Q4_K_M"), 4685, 5);
    EXPECT_NEAR(weights(qwen3_8b, "Q4_K_M"), 4789, 5);
    EXPECT_NEAR(weights(gemma_3_12b, "Q4_K_M"), 6956, 7);
    EXPECT_NEAR(weights(qwen3_30b_a3b, "Q4_K_M"), 17691, 18);
    EXPECT_NEAR(weights(gpt_oss_20b_small_vocabulary, "Q4_K_M"), 14711, 15);
    EXPECT_NEAR(weights(llama_3_3_70b, "Q4_K_M"), 40503, 41);
}

} // namespace
} // namespace hearth::tests
