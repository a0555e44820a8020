#include "registry/gguf/shape_spread.hpp"

#include "base/error.hpp"
#include "registry/gguf/byte_source.hpp"
#include "tests/support/gguf_writer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace hearth::registry::gguf {
namespace {

using testing::GgufWriter;

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

GgufWriter keys_of(const std::string& architecture) {
    const auto key = [&](const char* name) { return architecture + "." + name; };
    return GgufWriter()
        .text("general.architecture", architecture)
        .u32(key("block_count"), 24)
        .u32(key("embedding_length"), 896)
        .u32(key("feed_forward_length"), 4864)
        .u32(key("context_length"), 32768)
        .u32(key("vocab_size"), 151936)
        .u32(key("attention.head_count"), 14)
        .u32(key("attention.head_count_kv"), 2);
}

ModelShape spread(const GgufWriter& gguf, std::uint64_t file_bytes) {
    return spread_shape(parse_header(PrefixSource(gguf.bytes())), "Q4_K_M", file_bytes);
}

TEST(GgufShapeSpread, GivesTheLayersTheBytesOfTheFile) {
    const ModelShape shape = spread(keys_of("qwen2"), 400 * mebibyte);
    EXPECT_NEAR(static_cast<double>(shape.weight_bytes()), 400.0 * mebibyte, 1000);
    EXPECT_FALSE(shape.exact_weights);
    EXPECT_EQ(shape.quantization, "Q4_K_M");
    EXPECT_EQ(shape.layers[0].key_row, 128u);
    // 494 million weights of the published model, 136 of them the embedding.
    EXPECT_NEAR(static_cast<double>(shape.parameters), 494e6, 5e6);
    EXPECT_NEAR(static_cast<double>(shape.input_bytes) / static_cast<double>(shape.weight_bytes()),
                136.0 / 494, 0.01);
}

TEST(GgufShapeSpread, TakesTheFirstOfSeveralShards) {
    GgufWriter keys = keys_of("qwen2");
    keys.u16("split.no", 0).u16("split.count", 3).i32("split.tensors.count", 290);
    keys.u32("general.file_type", 7);
    const ModelShape shape = spread_shape(parse_header(PrefixSource(keys.bytes())), "", 400 * mebibyte);
    EXPECT_NEAR(static_cast<double>(shape.weight_bytes()), 400.0 * mebibyte, 1000);
    EXPECT_EQ(shape.quantization, "Q8_0");
}

TEST(GgufShapeSpread, SaysThatAProjectorIsNoModel) {
    const GgufWriter keys = GgufWriter().text("general.architecture", "clip");
    try {
        spread(keys, mebibyte);
        FAIL();
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("projector"), std::string::npos) << error.what();
    }
}

TEST(GgufShapeSpread, SmallModelsShareTheirOutputMatrix) {
    EXPECT_TRUE(spread(keys_of("qwen2"), 400 * mebibyte).tied_output);
    EXPECT_FALSE(
        spread(keys_of("llama").u32("llama.attention.key_length", 4096), 4096 * mebibyte).tied_output);
}

TEST(GgufShapeSpread, GivesExpertsTheirShare) {
    GgufWriter keys = keys_of("qwen3moe");
    keys.u32("qwen3moe.expert_count", 128).u32("qwen3moe.expert_used_count", 8);
    keys.u32("qwen3moe.expert_feed_forward_length", 768);
    const ModelShape shape = spread(keys, 4096 * mebibyte);
    EXPECT_GT(shape.layers[0].expert_bytes, 20 * shape.layers[0].dense_bytes);
    EXPECT_EQ(shape.expert_feed_forward, 768u);
}

} // namespace
} // namespace hearth::registry::gguf
