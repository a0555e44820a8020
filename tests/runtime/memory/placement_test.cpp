#include "runtime/memory/estimate.hpp"
#include "tests/runtime/memory/model_shapes.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace hearth::runtime::memory {
namespace {

using registry::ModelShape;
using testing::llama_1b;
using testing::model_shape;

constexpr std::uint64_t mebibyte = 1 << 20;
const std::vector<std::string> one_gpu = {"cuda0"};
const std::vector<std::string> two_gpus = {"cuda0", "cuda1"};

/// 16 layers of 40 MiB, embeddings of 200.
ModelShape tied() {
    ModelShape shape = llama_1b();
    shape.input_bytes = shape.token_embedding_bytes = 200 * mebibyte;
    shape.tied_output = true;
    return shape;
}

Estimate placed(const ModelShape& shape, const Placement& placement,
                const std::vector<std::string>& devices) {
    return estimate(shape, {}, placement, devices);
}

TEST(EstimatePlacement, PutsTheLastLayersAndTheOutputOnTheAccelerator) {
    ModelShape shape = llama_1b();
    shape.input_bytes = 150 * mebibyte;
    shape.output_bytes = 200 * mebibyte;
    const Estimate whole = placed(shape, {.gpu_layers = 17}, one_gpu);
    ASSERT_EQ(whole.devices.size(), 2U);
    EXPECT_EQ(whole.devices[0].id, "cpu");
    EXPECT_EQ(whole.devices[1].id, "cuda0");
    EXPECT_EQ(whole.devices[0].weights, 150 * mebibyte);
    EXPECT_EQ(whole.devices[1].weights, (16 * 40 + 200) * mebibyte);
    EXPECT_EQ(whole.devices[0].kv, 0U);
    const Estimate part = placed(shape, {.gpu_layers = 5}, one_gpu); // four layers and the output
    EXPECT_EQ(part.devices[1].weights, (4 * 40 + 200) * mebibyte);
    EXPECT_EQ(part.devices[0].weights, (12 * 40 + 150) * mebibyte);
    EXPECT_EQ(part.devices[1].kv, 4 * whole.devices[1].kv / 16);
    EXPECT_EQ(part.devices[0].kv, 12 * whole.devices[1].kv / 16);
}

TEST(EstimatePlacement, StoresATiedOutputTwiceWhenItLeavesTheHost) {
    const Estimate on_gpu = placed(tied(), {.gpu_layers = 1}, one_gpu);
    EXPECT_EQ(on_gpu.devices[0].weights, (16 * 40 + 200) * mebibyte);
    EXPECT_EQ(on_gpu.devices[1].weights, 200 * mebibyte);
    const Estimate on_host = placed(tied(), {}, one_gpu);
    EXPECT_EQ(on_host.devices[0].weights, (16 * 40 + 200) * mebibyte);
    EXPECT_EQ(on_host.devices[1].total(), 0U);
}

TEST(EstimatePlacement, SplitsTheOffloadedLayersByShare) {
    const Estimate split = placed(tied(), {.gpu_layers = 17, .split = {3, 1}}, two_gpus);
    EXPECT_EQ(split.devices[1].weights, 13 * 40 * mebibyte); // 0/17 … 12/17 are below three quarters
    EXPECT_EQ(split.devices[2].weights, (3 * 40 + 200) * mebibyte);
    const Estimate first_only = placed(tied(), {.gpu_layers = 17}, two_gpus);
    EXPECT_EQ(first_only.devices[2].total(), 0U);
    const Estimate last_only = placed(tied(), {.gpu_layers = 17, .split = {0, 1}}, two_gpus);
    EXPECT_EQ(last_only.devices[1].total(), 0U);
}

TEST(EstimatePlacement, LeavesTheExpertsOfTheFirstOffloadedLayersOnTheHost) {
    ModelShape shape = llama_1b();
    shape.experts = 64;
    shape.experts_used = 8;
    shape.expert_feed_forward = 768;
    for (auto& layer : shape.layers)
        layer.expert_bytes = 300 * mebibyte;
    const Estimate estimate = placed(shape, {.gpu_layers = 17, .expert_layers_on_host = 10}, one_gpu);
    EXPECT_EQ(estimate.devices[0].weights, 10 * 300 * mebibyte);
    EXPECT_EQ(estimate.devices[1].weights, (6 * 300 + 16 * 40) * mebibyte);
    EXPECT_EQ(estimate.devices[0].kv, 0U);
    const Estimate all = placed(shape, {.gpu_layers = 17, .expert_layers_on_host = 1000}, one_gpu);
    EXPECT_EQ(all.devices[0].weights, 16 * 300 * mebibyte);
}

TEST(EstimatePlacement, KeepsTheInputsOnTheHost) {
    const std::uint64_t computing = placed(tied(), {}, {}).devices[0].compute;
    const Estimate whole = placed(tied(), {.gpu_layers = 17}, one_gpu);
    EXPECT_EQ(whole.devices[1].compute, computing - 512 * 2048 * 4); // the embedded tokens come from there
    EXPECT_LT(whole.devices[0].compute, computing / 4);
    EXPECT_GT(whole.devices[0].compute, 512 * 2 * 4096U); // at least the mask
}

TEST(EstimatePlacement, ComputesRepackedLayersOnTheHost) {
    const auto host = [](LoadMode mode) {
        return estimate(tied(), {.load_mode = mode}, {.gpu_layers = 8}, one_gpu).devices[0].compute;
    };
    EXPECT_EQ(host(LoadMode::repack), placed(tied(), {}, {}).devices[0].compute);
    EXPECT_LT(host(LoadMode::mmap), host(LoadMode::repack));
}

/// memory.md 4.4: the engine's own placement on a pretended card.
TEST(EstimatePlacement, IsWhatTheEngineAllocatedOnAPretendedCard) {
    ModelShape shape = model_shape({.architecture = "qwen3",
                                    .layers = 36,
                                    .width = 4096,
                                    .inner = 12288,
                                    .heads = 32,
                                    .kv_heads = 8,
                                    .head = 128,
                                    .vocabulary = 151936,
                                    .context = 40960,
                                    .layer_bytes = 5021851168 / 40});
    const Estimate estimate =
        memory::estimate(shape, {.context = 8192, .kv_type = CacheType::q8_0}, {.gpu_layers = 34}, one_gpu);
    EXPECT_NEAR(static_cast<double>(estimate.devices[0].compute + estimate.devices[0].kv) / mebibyte,
                760 - 684.7, 1);
    EXPECT_NEAR(static_cast<double>(estimate.devices[1].compute + estimate.devices[1].kv) / mebibyte,
                4797 - 4104.5, 8);
}

} // namespace
} // namespace hearth::runtime::memory
