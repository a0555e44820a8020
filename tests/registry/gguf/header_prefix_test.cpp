#include "registry/gguf/byte_source.hpp"
#include "registry/gguf/header.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/support/gguf_writer.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace hearth::registry::gguf {
namespace {

using testing::expect_error;
using testing::GgufWriter;
using testing::small_llama;

/// Hyper-parameters, then a tokenizer that fills most of the header, then one more key, then a tensor.
std::string model_with_tokenizer() {
    return GgufWriter()
        .text("general.architecture", "llama")
        .u32("llama.block_count", 32)
        .texts("tokenizer.ggml.tokens", std::vector<std::string>(20'000, "token"))
        .u32("general.file_type", 15)
        .tensor("token_embd.weight", {32, 4})
        .bytes();
}

HeaderPrefix prefix_of(const std::string& bytes, std::size_t length) {
    return parse_header_prefix(PrefixSource(std::string_view(bytes).substr(0, length), bytes.size()));
}

TEST(GgufHeaderPrefix, GivesTheKeysBeforeTheTokenizer) {
    const HeaderPrefix prefix = prefix_of(model_with_tokenizer(), 65'536);
    EXPECT_FALSE(prefix.complete);
    EXPECT_FALSE(prefix.has_all_keys);
    EXPECT_EQ(prefix.header.integer("llama.block_count"), 32);
    EXPECT_EQ(prefix.header.find("general.file_type"), nullptr);
    EXPECT_EQ(prefix.tensors_stated, 1U);
    EXPECT_TRUE(prefix.header.tensors.empty());
    EXPECT_GT(prefix.at_least, 65'536U);
}

TEST(GgufHeaderPrefix, IsTheWholeHeaderWhenAllOfItIsThere) {
    const std::string bytes = model_with_tokenizer();
    const HeaderPrefix prefix = prefix_of(bytes, bytes.size());
    EXPECT_TRUE(prefix.complete);
    EXPECT_EQ(prefix.at_least, 0U);
    EXPECT_EQ(prefix.header.integer("general.file_type"), 15);
    EXPECT_EQ(prefix.header.tensors.size(), 1U);
}

TEST(GgufHeaderPrefix, EveryCutGivesWholeKeysOnlyAndAsksForMore) {
    const std::string bytes = small_llama().bytes();
    const Header whole = parse_header(PrefixSource(bytes));
    std::size_t most_keys = 0;
    for (std::size_t length = 0; length < whole.data_offset; ++length) {
        const HeaderPrefix prefix = prefix_of(bytes, length);
        EXPECT_LE(prefix.header.keys.size(), whole.keys.size());
        EXPECT_GE(prefix.header.keys.size(), most_keys);
        most_keys = prefix.header.keys.size();
        if (!prefix.complete) {
            EXPECT_GT(prefix.at_least, length);
            EXPECT_TRUE(prefix.header.tensors.empty());
        }
        for (const KeyValue& key : prefix.header.keys) {
            EXPECT_EQ(key.value.index(), whole.find(key.key)->index()) << key.key;
        }
    }
    EXPECT_EQ(most_keys, whole.keys.size());
}

TEST(GgufHeaderPrefix, RefusesWhatIsWrongInTheBytesThatAreThere) {
    const std::string twice = GgufWriter().u32("a", 1).u32("a", 2).texts("t", {"x"}).bytes();
    expect_error(ErrorCode::model_invalid, [&] { prefix_of(twice, twice.size() - 1); });
    expect_error(ErrorCode::model_invalid, [] { prefix_of(std::string(100'000, 'x'), 65'536); });
    const std::string odd = GgufWriter().u32("general.alignment", 3).texts("t", {"x"}).bytes();
    expect_error(ErrorCode::model_invalid, [&] { prefix_of(odd, odd.size() - 1); });
}

} // namespace
} // namespace hearth::registry::gguf
