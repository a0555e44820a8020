#include "runtime/memory/estimate.hpp"

#include "tests/base/expect_error.hpp"
#include "tests/runtime/memory/model_shapes.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace hearth::runtime::memory {
namespace {

using registry::ModelShape;
using testing::Dimensions;
using testing::expect_error;
using testing::gemma_12b;
using testing::llama_1b;
using testing::model_shape;

constexpr double mebibyte = 1 << 20;

double mebibytes(std::uint64_t bytes) {
    return static_cast<double>(bytes) / mebibyte;
}

DeviceBytes on_host(const ModelShape& shape, const EstimateOptions& options) {
    return estimate(shape, options).devices.front();
}

/// What llama.cpp logged for these models: memory.md 2.7.
struct Logged {
    const char* name;
    Dimensions model;
    EstimateOptions options;
    double kv;
    double compute;
};

const std::vector<Logged>& logged() {
    static const Dimensions qwen_half = {.architecture = "qwen2",
                                         .layers = 24,
                                         .width = 896,
                                         .inner = 4864,
                                         .heads = 14,
                                         .kv_heads = 2,
                                         .head = 64,
                                         .vocabulary = 151936,
                                         .context = 32768};
    static const std::vector<Logged> rows = {
        {"qwen2.5-0.5b at 4k", qwen_half, {.context = 4096}, 48, 39.5},
        {"qwen2.5-0.5b at 32k", qwen_half, {.context = 32768}, 384, 67.5},
        {"qwen2.5-0.5b, 4 × 8k apart",
         qwen_half,
         {.context = 8192, .parallel = 4, .unified = false},
         384,
         43.5},
        {"llama-3.2-1b",
         {.layers = 16,
          .width = 2048,
          .inner = 8192,
          .heads = 32,
          .kv_heads = 8,
          .head = 64,
          .vocabulary = 128256,
          .context = 131072},
         {.context = 16384},
         512,
         80},
        {"qwen3-0.6b",
         {.layers = 28,
          .width = 1024,
          .inner = 3072,
          .heads = 16,
          .kv_heads = 8,
          .head = 128,
          .vocabulary = 151936,
          .context = 40960},
         {.context = 32768},
         3584,
         58},
        {"gemma-3-1b",
         {.layers = 26,
          .width = 1152,
          .inner = 6912,
          .heads = 4,
          .kv_heads = 1,
          .head = 256,
          .vocabulary = 262144,
          .context = 32768,
          .window = 512,
          .period = 6},
         {.context = 32768},
         150,
         82},
        {"gemma-2-2b",
         {.layers = 26,
          .width = 2304,
          .inner = 9216,
          .heads = 8,
          .kv_heads = 4,
          .head = 256,
          .vocabulary = 256000,
          .context = 8192,
          .window = 4096,
          .period = 2},
         {.context = 8192},
         650,
         84},
        {"llama-3.1-8b",
         {.layers = 32,
          .width = 4096,
          .inner = 14336,
          .heads = 32,
          .kv_heads = 8,
          .head = 128,
          .vocabulary = 128256,
          .context = 131072},
         {.context = 8192},
         1024,
         124},
        {"qwen3-8b",
         {.layers = 36,
          .width = 4096,
          .inner = 12288,
          .heads = 32,
          .kv_heads = 8,
          .head = 128,
          .vocabulary = 151936,
          .context = 40960},
         {.context = 32768},
         4608,
         136},
        {"gemma-3-12b",
         {.layers = 48,
          .width = 3840,
          .inner = 15360,
          .heads = 16,
          .kv_heads = 8,
          .head = 256,
          .vocabulary = 262208,
          .context = 131072,
          .window = 1024,
          .period = 6},
         {.context = 131072},
         8672,
         250},
        {"llama-3.3-70b",
         {.layers = 80,
          .width = 8192,
          .inner = 28672,
          .heads = 64,
          .kv_heads = 8,
          .head = 128,
          .vocabulary = 128256,
          .context = 131072},
         {.context = 8192},
         2560,
         240},
    };
    return rows;
}

TEST(Estimate, IsWhatTheEngineLogged) {
    for (const Logged& row : logged()) {
        const DeviceBytes bytes = on_host(model_shape(row.model), row.options);
        EXPECT_DOUBLE_EQ(mebibytes(bytes.kv), row.kv) << row.name;
        EXPECT_NEAR(mebibytes(bytes.compute), row.compute, 0.6) << row.name;
    }
}

TEST(Estimate, CountsExpertsByThoseThatAreUsed) {
    ModelShape shape = model_shape({.architecture = "qwen3moe",
                                    .layers = 48,
                                    .width = 2048,
                                    .heads = 32,
                                    .kv_heads = 4,
                                    .head = 128,
                                    .vocabulary = 151936,
                                    .context = 40960});
    shape.experts = 128;
    shape.experts_used = 8;
    shape.expert_feed_forward = 768;
    for (auto& layer : shape.layers)
        layer.expert_bytes = 300 << 20;
    const DeviceBytes bytes = on_host(shape, {.context = 32768});
    EXPECT_DOUBLE_EQ(mebibytes(bytes.kv), 3072);
    EXPECT_NEAR(mebibytes(bytes.compute), 120, 0.1);
    EXPECT_DOUBLE_EQ(mebibytes(bytes.weights), 48 * 300);
}

TEST(Estimate, CachesOneRowForCompressedAttention) {
    ModelShape shape = model_shape({.architecture = "deepseek2",
                                    .layers = 27,
                                    .width = 2048,
                                    .inner = 10944,
                                    .heads = 16,
                                    .kv_heads = 1,
                                    .head = 576,
                                    .vocabulary = 102400,
                                    .context = 163840});
    for (auto& layer : shape.layers)
        layer.value_row = 0;
    EXPECT_DOUBLE_EQ(mebibytes(estimate_kv_cache(shape, {.context = 32768})), 972);
}

TEST(Estimate, KeepsAStateForEverySequence) {
    ModelShape shape = model_shape(
        {.architecture = "mamba", .layers = 48, .width = 1536, .vocabulary = 50280, .context = 1 << 20});
    for (auto& layer : shape.layers)
        layer.state_bytes = (3 * 3072 + 16 * 3072) * 4;
    const DeviceBytes bytes = on_host(shape, {.context = 8192, .parallel = 4});
    EXPECT_DOUBLE_EQ(mebibytes(bytes.state), 42.75);
    EXPECT_EQ(bytes.kv, 0U);
    EXPECT_EQ(on_host(shape, {.context = 1 << 20, .parallel = 4}).total(), bytes.total());
}

TEST(Estimate, GivesNoCacheToLayersThatShareOneOrOnlyPredict) {
    ModelShape shape = llama_1b();
    const std::uint64_t all = estimate_kv_cache(shape, {});
    shape.layers[15].shares_cache = true;
    EXPECT_EQ(estimate_kv_cache(shape, {}), all / 16 * 15);
    shape.layers[14].prediction = true;
    EXPECT_EQ(estimate_kv_cache(shape, {}), all / 16 * 14);
    EXPECT_EQ(on_host(shape, {}).weights, std::uint64_t{15} * (40 << 20)); // a predicting layer is not loaded
}

TEST(Estimate, KnowsTheBlocksOfQuantizedCaches) {
    const auto kv = [](CacheType type) {
        return mebibytes(estimate_kv_cache(llama_1b(), {.kv_type = type}));
    };
    EXPECT_DOUBLE_EQ(kv(CacheType::f32), 256);
    EXPECT_DOUBLE_EQ(kv(CacheType::f16), 128);
    EXPECT_DOUBLE_EQ(kv(CacheType::bf16), 128);
    EXPECT_DOUBLE_EQ(kv(CacheType::q8_0), 68);
    EXPECT_DOUBLE_EQ(kv(CacheType::q5_1), 48);
    EXPECT_DOUBLE_EQ(kv(CacheType::q5_0), 44);
    EXPECT_DOUBLE_EQ(kv(CacheType::q4_1), 40);
    EXPECT_DOUBLE_EQ(kv(CacheType::q4_0), 36);
    EXPECT_DOUBLE_EQ(kv(CacheType::iq4_nl), 36);
}

TEST(Estimate, PadsCellsTo256AndClampsToTheTrainedContext) {
    const auto kv = [](std::uint64_t context) { return estimate_kv_cache(llama_1b(), {.context = context}); };
    EXPECT_EQ(kv(1), kv(256));
    EXPECT_EQ(kv(257), kv(512));
    EXPECT_EQ(kv(1 << 20), kv(131072));
}

TEST(Estimate, KeepsAWindowForEverySequenceOfAPool) {
    const auto kv = [](EstimateOptions options) {
        return mebibytes(estimate_kv_cache(gemma_12b(), options));
    };
    // 40 layers of 1536 or 4608 cells, 8 of all; 8 KiB for a cell
    EXPECT_DOUBLE_EQ(kv({.context = 8192}), (40 * 1536 + 8 * 8192) / 128.0);
    EXPECT_DOUBLE_EQ(kv({.context = 8192, .parallel = 4}), (40 * 4608 + 8 * 32768) / 128.0);
    EXPECT_DOUBLE_EQ(kv({.context = 8192, .parallel = 4, .unified = false}),
                     4 * (40 * 1536 + 8 * 8192) / 128.0);
    EXPECT_DOUBLE_EQ(kv({.context = 8192, .ubatch = 128}), (40 * 1280 + 8 * 8192) / 128.0);
}

TEST(Estimate, PadsValuesToTheWidestLayerWithoutFlashAttention) {
    ModelShape shape = llama_1b();
    shape.layers[0].value_row = 1024;
    const std::uint64_t cell = 2;
    EXPECT_EQ(estimate_kv_cache(shape, {.context = 256}), 256 * cell * (16 * 512 + 15 * 512 + 1024));
    EXPECT_EQ(estimate_kv_cache(shape, {.context = 256, .flash_attention = false}),
              256 * cell * 16 * (512 + 1024));
}

TEST(Estimate, CountsAllScoresWithoutFlashAttention) {
    const ModelShape shape = model_shape(logged()[1].model);
    const double flash = mebibytes(on_host(shape, {.context = 32768}).compute);
    const double plain = mebibytes(on_host(shape, {.context = 32768, .flash_attention = false}).compute);
    EXPECT_NEAR(flash, 67.5, 0.1);
    EXPECT_NEAR(plain, 969, 2);
}

TEST(Estimate, CountsTheScoresOfAWholeBatchWhereVectorsAreWanted) {
    const ModelShape shape = model_shape(logged()[4].model);
    const DeviceBytes bytes = on_host(shape, {.context = 4096, .embeddings = true});
    const double scores = 2048 * 4.0 * (151936 + 1024) / mebibyte;
    const double mask = 2048 * 2.0 * 4096 / mebibyte;
    EXPECT_NEAR(mebibytes(bytes.compute), scores + mask, 0.2);
    EXPECT_GT(bytes.output, on_host(shape, {.context = 4096}).output);
}

TEST(Estimate, GivesEncodersNoCache) {
    ModelShape shape = model_shape({.architecture = "bert",
                                    .layers = 12,
                                    .width = 384,
                                    .inner = 1536,
                                    .heads = 12,
                                    .kv_heads = 12,
                                    .head = 32,
                                    .vocabulary = 30522,
                                    .context = 512});
    shape.causal = false;
    shape.embeds = true;
    shape.gated = false;
    shape.rows_beside = 3;
    for (auto& layer : shape.layers)
        layer.key_row = layer.value_row = 0;
    const DeviceBytes bytes = on_host(shape, {.context = 512});
    EXPECT_EQ(bytes.kv, 0U);
    EXPECT_NEAR(mebibytes(bytes.compute), 5.76, 0.05);
}

TEST(Estimate, SplitsTheHostsWeightsByLoadMode) {
    ModelShape shape = llama_1b();
    shape.types = {{"Q4_K", 600, 1000}, {"Q6_K", 400, 500}};
    shape.input_bytes = 100 << 20;
    const auto bytes = [&](LoadMode mode) { return on_host(shape, {.load_mode = mode}); };
    EXPECT_EQ(bytes(LoadMode::mmap).mapped, shape.weight_bytes());
    EXPECT_EQ(bytes(LoadMode::mmap).repacked, 0U);
    EXPECT_EQ(bytes(LoadMode::read).mapped, 0U);
    const DeviceBytes repack = bytes(LoadMode::repack);
    EXPECT_NEAR(mebibytes(repack.repacked), 16 * 40 * 0.6, 0.01);
    EXPECT_EQ(repack.repacked + repack.mapped, shape.weight_bytes());
}

TEST(Estimate, CountsASharedTableTwiceWhenItIsRepacked) {
    ModelShape shape = llama_1b();
    shape.tied_output = true;
    shape.vocabulary = 1000;
    shape.embedding_length = 1000;
    shape.types = {{"Q4_K", 600, 1000}, {"Q6_K", 400, 500}};
    shape.token_embedding_bytes = 820'000; // Q6_K
    const std::uint64_t mapped = on_host(shape, {.load_mode = LoadMode::mmap}).weights;
    EXPECT_EQ(on_host(shape, {.load_mode = LoadMode::repack}).weights, mapped + 820'000);
    shape.token_embedding_bytes = 2'000'000; // F16 stays as it is
    EXPECT_EQ(on_host(shape, {.load_mode = LoadMode::repack}).weights, mapped);
    shape.token_embedding_bytes = 820'000;
    shape.tied_output = false;
    EXPECT_EQ(on_host(shape, {.load_mode = LoadMode::repack}).weights, mapped);
}

TEST(Estimate, RefusesWhatCannotBe) {
    const auto refused = [](ErrorCode code, const ModelShape& shape, const EstimateOptions& options,
                            const Placement& placement = {}, const std::vector<std::string>& devices = {}) {
        expect_error(code, [&] { estimate(shape, options, placement, devices); });
    };
    const ModelShape shape = llama_1b();
    ModelShape unknown = shape;
    unknown.closed_form = false;
    refused(ErrorCode::unsupported, unknown, {});
    refused(ErrorCode::invalid_argument, shape, {.context = 0});
    refused(ErrorCode::invalid_argument, shape, {.context = (1 << 24) + 1});
    refused(ErrorCode::invalid_argument, shape, {.parallel = 0});
    refused(ErrorCode::invalid_argument, shape, {.parallel = 257});
    refused(ErrorCode::invalid_argument, shape, {.ubatch = 0});
    refused(ErrorCode::invalid_argument, shape, {.kv_type = CacheType::q8_0, .flash_attention = false});
    refused(ErrorCode::invalid_argument, shape, {}, {.gpu_layers = 1});
    refused(ErrorCode::invalid_argument, shape, {}, {.gpu_layers = -1}, {"cuda0"});
    refused(ErrorCode::invalid_argument, shape, {}, {.gpu_layers = 18}, {"cuda0"});
    refused(ErrorCode::invalid_argument, shape, {}, {.gpu_layers = 1, .split = {1, 1}}, {"cuda0"});
    refused(ErrorCode::invalid_argument, shape, {}, {.gpu_layers = 1, .split = {0}}, {"cuda0"});
    refused(ErrorCode::invalid_argument, shape, {}, {.gpu_layers = 1, .split = {2, -1}}, {"cuda0", "cuda1"});
    refused(ErrorCode::invalid_argument, shape, {}, {.expert_layers_on_host = -1}, {"cuda0"});
}

TEST(Estimate, NeverShrinksWithMoreContextOrSequences) {
    for (const ModelShape& shape : {llama_1b(), gemma_12b()})
        for (const bool unified : {true, false})
            for (const bool flash : {true, false}) {
                std::uint64_t last = 0;
                for (std::uint64_t context = 100; context <= 200'000; context = context * 5 / 4) {
                    std::uint64_t narrower = 0;
                    for (const int parallel : {1, 2, 3, 4, 16, 256}) {
                        const EstimateOptions options{.context = context,
                                                      .parallel = parallel,
                                                      .unified = unified,
                                                      .flash_attention = flash};
                        const std::uint64_t bytes = estimate(shape, options).total_bytes();
                        EXPECT_GE(bytes, narrower) << context << " × " << parallel;
                        EXPECT_LT(bytes, std::uint64_t{1} << 50);
                        narrower = bytes;
                        if (parallel == 1) {
                            EXPECT_GE(bytes, last) << context;
                            last = bytes;
                        }
                    }
                }
            }
}

TEST(Estimate, ShowsWhatTheNaiveFormulaMisses) {
    ModelShape shape = gemma_12b();
    shape.file_bytes = std::uint64_t{6956} << 20;
    EXPECT_DOUBLE_EQ(mebibytes(naive_bytes(shape, 131072)),
                     6956 + 2 * 48 * 8 * 240 * 131072.0 * 2 / mebibyte);
    EXPECT_GT(naive_bytes(shape, 131072), 3 * estimate(shape, {.context = 131072}).total_bytes());
}

} // namespace
} // namespace hearth::runtime::memory
