#include "registry/gguf/summary.hpp"

#include "registry/gguf/byte_source.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/support/gguf_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::registry::gguf {
namespace {

using ::testing::ElementsAre;
using testing::expect_error;
using testing::GgufWriter;
using testing::small_llama;

Summary summary_of(const GgufWriter& gguf) {
    return summarize(parse_header(PrefixSource(gguf.bytes())));
}

std::vector<std::string> capabilities_of(const GgufWriter& gguf, bool projector = false,
                                         std::string_view go_template = "") {
    const Header header = parse_header(PrefixSource(gguf.bytes()));
    return capabilities(header, summarize(header), projector, go_template);
}

GgufWriter named(const char* architecture) {
    return GgufWriter().text("general.architecture", architecture);
}

TEST(GgufSummary, SaysWhatAModelIs) {
    const Summary summary = summary_of(small_llama());
    EXPECT_EQ(summary.architecture, "llama");
    EXPECT_EQ(summary.kind, "model");
    EXPECT_EQ(summary.parameters, 56U);
    EXPECT_EQ(summary.quantization, "F32");
    EXPECT_EQ(summary.context_length, 2048);
    EXPECT_EQ(summary.embedding_length, 8);
    EXPECT_NE(summary.chat_template.find("message.content"), std::string::npos);
    EXPECT_EQ(summary.shards, 1);
}

TEST(GgufSummary, NamesTheQuantization) {
    EXPECT_EQ(summary_of(named("x").u32("general.file_type", 15)).quantization, "Q4_K_M");
    EXPECT_EQ(summary_of(named("x").u32("general.file_type", 1024 + 18)).quantization, "Q6_K");
    EXPECT_EQ(summary_of(named("x").u32("general.file_type", 99)).quantization, "unknown");
    EXPECT_EQ(summary_of(named("x").raw_tensor("a", {512}, 8, 0, 544).raw_tensor("b", {8}, 0, 544, 32))
                  .quantization,
              "Q8_0");
}

TEST(GgufSummary, CountsShardsFromOne) {
    const Summary summary =
        summary_of(named("x").u16("split.no", 2).u16("split.count", 3).i32("split.tensors.count", 40));
    EXPECT_EQ(summary.shard, 3);
    EXPECT_EQ(summary.shards, 3);
    EXPECT_EQ(summary.shard_tensors, 40);
}

TEST(GgufSummary, RefusesNumbersThatNoModelHas) {
    const auto refused = [](const GgufWriter& gguf) {
        expect_error(ErrorCode::model_invalid, [&] { summary_of(gguf); });
    };
    refused(GgufWriter());
    refused(named(""));
    refused(GgufWriter().u32("general.architecture", 1));
    refused(named("x").text("x.block_count", "16"));
    refused(named("x").u32("x.block_count", 513));
    refused(named("x").i32("x.block_count", -1));
    refused(named("x").u32("x.expert_count", 1025));
    refused(named("x").u32("x.context_length", 0));
    refused(named("x").u32("x.context_length", (1U << 24) + 1));
    refused(named("x").f32("x.embedding_length", 1.0F));
    refused(named("x").u16("split.no", 3).u16("split.count", 3));
    refused(named("x").u16("split.no", 1));
    refused(named("x").u32("tokenizer.chat_template", 1));
}

TEST(GgufSummary, PrintsParameterCountsAsOllamaDoes) {
    EXPECT_EQ(parameter_text(3'212'749'888), "3.2B");
    EXPECT_EQ(parameter_text(7'000'000'000), "7B");
    EXPECT_EQ(parameter_text(494'032'768), "494.03M");
    EXPECT_EQ(parameter_text(22'000'000), "22M");
    EXPECT_EQ(parameter_text(260'032), "260K");
    EXPECT_EQ(parameter_text(512), "512");
    EXPECT_EQ(parameter_text(0), "0");
}

TEST(GgufSummary, FindsCapabilities) {
    EXPECT_THAT(capabilities_of(named("llama")), ElementsAre("completion"));
    EXPECT_THAT(capabilities_of(named("llama"), true), ElementsAre("completion", "vision"));
    EXPECT_THAT(capabilities_of(named("llama").text("tokenizer.chat_template", "{% if tools %}")),
                ElementsAre("completion", "tools"));
    EXPECT_THAT(capabilities_of(named("llama").text("tokenizer.chat_template", "{{ '<think>' }}")),
                ElementsAre("completion", "thinking"));
    EXPECT_THAT(capabilities_of(named("llama").text("tokenizer.chat_template", "{% if enable_thinking %}")),
                ElementsAre("completion", "thinking"));
    EXPECT_THAT(capabilities_of(named("llama").u32("tokenizer.ggml.fim_pre_token_id", 5)),
                ElementsAre("completion", "insert"));
    EXPECT_THAT(capabilities_of(named("llama"), false, "{{ .Suffix }}{{ .Tools }}"),
                ElementsAre("completion", "tools", "insert"));
    EXPECT_THAT(capabilities_of(named("bert")), ElementsAre("embedding"));
    EXPECT_THAT(capabilities_of(named("qwen3").u32("qwen3.pooling_type", 3)), ElementsAre("embedding"));
    EXPECT_THAT(capabilities_of(named("qwen3").u32("qwen3.pooling_type", 0)), ElementsAre("completion"));
}

} // namespace
} // namespace hearth::registry::gguf
