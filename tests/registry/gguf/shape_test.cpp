#include "registry/gguf/shape.hpp"

#include "registry/gguf/byte_source.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/support/gguf_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hearth::registry::gguf {
namespace {

using ::testing::ElementsAre;
using testing::expect_error;
using testing::GgufWriter;

ModelShape shape_of(const GgufWriter& gguf) {
    return read_shape(parse_header(PrefixSource(gguf.bytes())));
}

/// A model of `layers` layers with 8 heads of 16, 2 of them for keys and values.
GgufWriter model(const std::string& architecture, std::uint32_t layers = 6) {
    const auto key = [&](const char* name) { return architecture + "." + name; };
    return GgufWriter()
        .text("general.architecture", architecture)
        .u32(key("block_count"), layers)
        .u32(key("embedding_length"), 128)
        .u32(key("context_length"), 4096)
        .u32(key("vocab_size"), 1000)
        .u32(key("attention.head_count"), 8)
        .u32(key("attention.head_count_kv"), 2);
}

std::vector<bool> sliding(const ModelShape& shape) {
    std::vector<bool> flags;
    for (const LayerShape& layer : shape.layers)
        flags.push_back(layer.sliding);
    return flags;
}

std::vector<std::uint32_t> key_rows(const ModelShape& shape) {
    std::vector<std::uint32_t> rows;
    for (const LayerShape& layer : shape.layers)
        rows.push_back(layer.shares_cache ? 0 : layer.key_row);
    return rows;
}

std::vector<std::uint64_t> states(const ModelShape& shape) {
    std::vector<std::uint64_t> bytes;
    for (const LayerShape& layer : shape.layers)
        bytes.push_back(layer.state_bytes);
    return bytes;
}

TEST(GgufShape, ReadsAModelOfEqualLayers) {
    const ModelShape shape = shape_of(model("llama", 2));
    EXPECT_EQ(shape.architecture, "llama");
    EXPECT_TRUE(shape.closed_form);
    EXPECT_TRUE(shape.causal);
    EXPECT_FALSE(shape.embeds);
    EXPECT_EQ(shape.embedding_length, 128U);
    EXPECT_EQ(shape.vocabulary, 1000U);
    EXPECT_EQ(shape.context_trained, 4096U);
    EXPECT_EQ(shape.key_length, 16U);
    ASSERT_EQ(shape.layers.size(), 2U);
    EXPECT_EQ(shape.layers[1].heads, 8U);
    EXPECT_EQ(shape.layers[1].kv_heads, 2U);
    EXPECT_EQ(shape.layers[1].key_row, 32U);
    EXPECT_EQ(shape.layers[1].value_row, 32U);
}

TEST(GgufShape, TakesHeadWidthsFromTheKeysWhenTheyAreThere) {
    const ModelShape shape = shape_of(
        model("qwen3").u32("qwen3.attention.key_length", 64).u32("qwen3.attention.value_length", 48));
    EXPECT_EQ(shape.layers[0].key_row, 128U);
    EXPECT_EQ(shape.layers[0].value_row, 96U);
}

TEST(GgufShape, CountsAHeadForEachQueryWhenKeysHaveNoCountOfTheirOwn) {
    GgufWriter gguf;
    gguf.text("general.architecture", "llama").u32("llama.block_count", 1).u32("llama.embedding_length", 64);
    gguf.u32("llama.attention.head_count", 4).u32("llama.vocab_size", 10);
    EXPECT_EQ(shape_of(gguf).layers[0].key_row, 64U);
}

TEST(GgufShape, SumsTensorsByPlace) {
    const ModelShape shape = shape_of(model("llama", 2)
                                          .tensor("token_embd.weight", {128, 1000})
                                          .tensor("output_norm.weight", {128})
                                          .tensor("blk.0.ffn_down.weight", {256, 128})
                                          .tensor("blk.1.ffn_down_exps.weight", {96, 128, 4})
                                          .tensor("blk.1.ffn_gate_inp.weight", {128, 4}));
    EXPECT_EQ(shape.input_bytes, 512'000U);
    EXPECT_EQ(shape.token_embedding_bytes, 512'000U);
    EXPECT_EQ(shape.other_bytes, 512U);
    EXPECT_EQ(shape.output_bytes, 0U);
    EXPECT_TRUE(shape.tied_output);
    EXPECT_EQ(shape.layers[0].dense_bytes, 131'072U);
    EXPECT_EQ(shape.layers[0].feed_forward, 256U);
    EXPECT_EQ(shape.layers[1].expert_bytes, 196'608U);
    EXPECT_EQ(shape.layers[1].dense_bytes, 2048U);
    EXPECT_EQ(shape.expert_feed_forward, 96U);
    EXPECT_EQ(shape.weight_bytes(), 512'000U + 512 + 131'072 + 196'608 + 2048);
    ASSERT_EQ(shape.types.size(), 1U);
    EXPECT_EQ(shape.types[0].type, "F32");
    EXPECT_EQ(shape.types[0].elements, shape.parameters);
}

TEST(GgufShape, FollowsTheWindowPatternOfTheArchitecture) {
    const auto pattern = [](const std::string& name) {
        return sliding(shape_of(model(name, 7).u32(name + ".attention.sliding_window", 512)));
    };
    EXPECT_THAT(pattern("gemma2"), ElementsAre(true, false, true, false, true, false, true));
    EXPECT_THAT(pattern("gemma3"), ElementsAre(true, true, true, true, true, false, true));
    EXPECT_THAT(pattern("phi3"), ElementsAre(false, false, false, false, false, false, false));
    EXPECT_THAT(pattern("llama"), ElementsAre(false, false, false, false, false, false, false));
}

TEST(GgufShape, PrefersTheFilesWindowPattern) {
    const ModelShape by_period = shape_of(model("gemma3")
                                              .u32("gemma3.attention.sliding_window", 512)
                                              .u32("gemma3.attention.sliding_window_pattern", 3));
    EXPECT_THAT(sliding(by_period), ElementsAre(true, true, false, true, true, false));
    const ModelShape by_list =
        shape_of(model("gemma3")
                     .u32("gemma3.attention.sliding_window", 512)
                     .u32s("gemma3.attention.sliding_window_pattern", {1, 0, 0, 0, 0, 1}));
    EXPECT_THAT(sliding(by_list), ElementsAre(true, false, false, false, false, true));
    EXPECT_EQ(shape_of(model("gemma3")).sliding_window, 0U);
    EXPECT_EQ(shape_of(model("gemma2")).sliding_window, 4096U);
}

TEST(GgufShape, LeavesTheCacheOfSharingLayersToTheirOwners) {
    const ModelShape shape = shape_of(model("gemma3n", 22).u32("gemma3n.attention.sliding_window", 512));
    EXPECT_FALSE(shape.layers[19].shares_cache);
    EXPECT_TRUE(shape.layers[20].shares_cache);
    EXPECT_TRUE(shape.layers[21].shares_cache);
}

TEST(GgufShape, CachesTheCompressedRowOfMla) {
    GgufWriter gguf;
    gguf.text("general.architecture", "deepseek2").u32("deepseek2.block_count", 2);
    gguf.u32("deepseek2.embedding_length", 2048).u32("deepseek2.vocab_size", 1000);
    gguf.u32("deepseek2.attention.head_count", 16).u32("deepseek2.attention.head_count_kv", 1);
    gguf.u32("deepseek2.attention.key_length", 576).u32("deepseek2.attention.value_length", 512);
    gguf.u32("deepseek2.attention.key_length_mla", 192).u32("deepseek2.attention.value_length_mla", 128);
    const ModelShape shape = shape_of(gguf);
    EXPECT_EQ(shape.layers[0].key_row, 576U);
    EXPECT_EQ(shape.layers[0].value_row, 0U);
}

TEST(GgufShape, FindsTheRecurrentLayersOfAHybrid) {
    GgufWriter gguf;
    gguf.text("general.architecture", "lfm2").u32("lfm2.block_count", 4).u32("lfm2.embedding_length", 128);
    gguf.u32("lfm2.vocab_size", 10).u32("lfm2.attention.head_count", 8).u32("lfm2.shortconv.l_cache", 3);
    gguf.u32s("lfm2.attention.head_count_kv", {0, 2, 0, 2});
    const ModelShape shape = shape_of(gguf);
    EXPECT_THAT(key_rows(shape), ElementsAre(0, 32, 0, 32));
    EXPECT_THAT(states(shape), ElementsAre(128 * 2 * 4, 0, 128 * 2 * 4, 0));
}

TEST(GgufShape, FindsTheRecurrentLayersByInterval) {
    const ModelShape shape = shape_of(model("qwen35", 8)
                                          .u32("qwen35.full_attention_interval", 4)
                                          .u32("qwen35.ssm.conv_kernel", 4)
                                          .u32("qwen35.ssm.inner_size", 256)
                                          .u32("qwen35.ssm.state_size", 16)
                                          .u32("qwen35.ssm.group_count", 2));
    const std::uint64_t state = (3 * (256 + 2 * 2 * 16) + 16 * 256) * 4;
    EXPECT_THAT(key_rows(shape), ElementsAre(0, 0, 0, 32, 0, 0, 0, 32));
    EXPECT_THAT(states(shape), ElementsAre(state, state, state, 0, state, state, state, 0));
}

TEST(GgufShape, GivesPredictionLayersNoCache) {
    const ModelShape shape = shape_of(model("qwen3moe", 3).u32("qwen3moe.nextn_predict_layers", 1));
    EXPECT_TRUE(shape.layers[2].prediction);
    EXPECT_THAT(key_rows(shape), ElementsAre(32, 32, 0));
}

TEST(GgufShape, KnowsEncodersByTheirName) {
    const ModelShape shape = shape_of(model("bert"));
    EXPECT_FALSE(shape.causal);
    EXPECT_TRUE(shape.embeds);
    EXPECT_FALSE(shape.tied_output);
    EXPECT_THAT(key_rows(shape), ElementsAre(0, 0, 0, 0, 0, 0));
    EXPECT_TRUE(shape_of(model("qwen3").u32("qwen3.pooling_type", 3)).embeds);
    EXPECT_TRUE(shape_of(model("qwen3").u32("qwen3.pooling_type", 3)).causal);
    EXPECT_FALSE(shape_of(model("qwen3").u32("qwen3.pooling_type", 0)).embeds);
}

TEST(GgufShape, SaysWhenTheClosedFormDoesNotKnowAModel) {
    EXPECT_FALSE(shape_of(model("some-new-one")).closed_form);
    EXPECT_FALSE(shape_of(model("deepseek2").u32("deepseek2.attention.indexer.head_count", 64)).closed_form);
}

TEST(GgufShape, RefusesWhatNoModelHas) {
    const auto refused = [](const GgufWriter& gguf) {
        expect_error(ErrorCode::model_invalid, [&] { shape_of(gguf); });
    };
    refused(GgufWriter().text("general.architecture", "llama"));
    refused(GgufWriter().text("general.architecture", "llama").u32("llama.block_count", 0));
    refused(model("llama", 513));
    refused(model("llama").u32s("llama.expert_used_count", {1}));
    refused(model("gemma3")
                .u32("gemma3.attention.sliding_window", 8)
                .u32s("gemma3.attention.sliding_window_pattern", {1, 0}));
    refused(model("llama").u32("llama.attention.key_length", 1U << 17));
    refused(model("llama").u32("llama.attention.key_length", 1U << 16).u32("llama.expert_used_count", 2));
    refused(model("llama").u32("llama.nextn_predict_layers", 7));
    refused(model("llama").tensor("blk.6.attn_q.weight", {8, 8}));
    refused(model("llama").texts("llama.expert_used_count", {"a", "b", "c", "d", "e", "f"}));
}

TEST(GgufShape, AddsTheTensorsOfShards) {
    const auto split = [](GgufWriter gguf, std::uint16_t number) {
        return gguf.u16("split.no", number).u16("split.count", 2).i32("split.tensors.count", 2);
    };
    const GgufWriter one = split(model("llama", 1), 0).tensor("token_embd.weight", {128, 1000});
    const GgufWriter two = split(GgufWriter(), 1).tensor("blk.0.ffn_down.weight", {64, 128});
    const std::string bytes_one = one.bytes();
    const std::string bytes_two = two.bytes();
    const Header first = parse_header(PrefixSource(bytes_one));
    const Header second = parse_header(PrefixSource(bytes_two));
    const Header* right[] = {&first, &second};
    const ModelShape shape = read_shape(right);
    EXPECT_EQ(shape.weight_bytes(), 512'000U + 32'768);
    EXPECT_EQ(shape.file_bytes, bytes_one.size() + bytes_two.size());
    EXPECT_EQ(shape.parameters, 128'000U + 8192);
    const Header* wrong[] = {&second, &first};
    expect_error(ErrorCode::model_invalid, [&] { read_shape(wrong); });
    expect_error(ErrorCode::model_invalid, [&] { read_shape(first); });
}

TEST(GgufShape, ScalesTheWeightsToAnotherFile) {
    const ModelShape shape = shape_of(model("llama", 1)
                                          .tensor("token_embd.weight", {128, 1000})
                                          .tensor("blk.0.ffn_down.weight", {64, 128}));
    const ModelShape half =
        scale_shape(shape, "Q4_K_M", shape.file_bytes - shape.weight_bytes() + shape.weight_bytes() / 2);
    EXPECT_FALSE(half.exact_weights);
    EXPECT_EQ(half.quantization, "Q4_K_M");
    EXPECT_EQ(half.weight_bytes(), shape.weight_bytes() / 2);
    EXPECT_EQ(half.layers[0].key_row, shape.layers[0].key_row);
    EXPECT_EQ(half.types[0].type, "Q4_K");
}

TEST(GgufShape, SumsASideFile) {
    const std::string bytes =
        GgufWriter().text("general.architecture", "clip").tensor("v.patch_embd.weight", {10, 3}).bytes();
    EXPECT_EQ(read_side_file(parse_header(PrefixSource(bytes))).weight_bytes, 128U);
}

TEST(GgufShape, KnowsWhatAnEncoderOfEqualImagesComputesWith) {
    const auto side = [](const char* type) {
        const std::string bytes = GgufWriter()
                                      .text("general.architecture", "clip")
                                      .text("clip.projector_type", type)
                                      .u32("clip.vision.image_size", 896)
                                      .u32("clip.vision.patch_size", 14)
                                      .u32("clip.vision.embedding_length", 1152)
                                      .u32("clip.vision.feed_forward_length", 4304)
                                      .bytes();
        return read_side_file(parse_header(PrefixSource(bytes))).compute_bytes;
    };
    EXPECT_EQ(side("gemma3"), 127'139'840U); // as the engine's dry run says
    EXPECT_EQ(side("qwen2.5vl_merger"), 0U);
}

} // namespace
} // namespace hearth::registry::gguf
