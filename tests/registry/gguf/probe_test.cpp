#include "registry/gguf/probe.hpp"

#include "registry/gguf/byte_source.hpp"
#include "tests/base/expect_error.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

namespace hearth::registry::gguf {
namespace {

std::string number(std::uint64_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) {
        out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
    }
    return out;
}
std::string text(const std::string& value) {
    return number(value.size(), 8) + value;
}
std::string key(const std::string& name, ValueType type, const std::string& value) {
    return text(name) + number(static_cast<std::uint64_t>(type), 4) + value;
}
std::string strings(const std::vector<std::string>& values) {
    std::string out = number(static_cast<std::uint64_t>(ValueType::string), 4) + number(values.size(), 8);
    for (const std::string& value : values) {
        out += text(value);
    }
    return out;
}

/// Two tensors behind a tokenizer of `tokens` tokens; `more` keys beside.
std::string model(std::size_t tokens, const std::vector<std::string>& more = {}) {
    std::vector<std::string> keys = {key("general.architecture", ValueType::string, text("llama")),
                                     key("llama.block_count", ValueType::u32, number(1, 4)),
                                     key("tokenizer.ggml.model", ValueType::string, text("gpt2")),
                                     key("tokenizer.ggml.token_type_count", ValueType::u32, number(2, 4))};
    if (tokens > 0) {
        keys.push_back(key("tokenizer.ggml.tokens", ValueType::array,
                           strings(std::vector(tokens, std::string("word")))));
    }
    keys.insert(keys.end(), more.begin(), more.end());
    std::string out = "GGUF" + number(3, 4) + number(2, 8) + number(keys.size(), 8);
    for (const std::string& one : keys) {
        out += one;
    }
    out += text("a") + number(1, 4) + number(3, 8) + number(0, 4) + number(0, 8);                  // 12 bytes
    out += text("b") + number(2, 4) + number(32, 8) + number(2, 8) + number(8, 4) + number(32, 8); // 68 bytes
    out.append((32 - out.size() % 32) % 32, '\0');
    return out + std::string(32 + 96, 'w');
}

Probe probe_of(const std::string& file) {
    const PrefixSource source(file);
    auto probe = try_make_probe(source);
    EXPECT_TRUE(probe);
    return std::move(*probe);
}

Header parse(const Probe& probe) {
    const PrefixSource source(probe.header, probe.file_bytes);
    return parse_header(source);
}

TEST(GgufProbe, KeepsTensorsAndHyperParametersAndDropsTheTokenizer) {
    const std::string file = model(5000);
    const Probe probe = probe_of(file);
    EXPECT_LT(probe.header.size(), 500u);
    const Header header = parse(probe);
    EXPECT_EQ(header.text("tokenizer.ggml.model"), "none");
    EXPECT_EQ(header.integer("llama.vocab_size"), 5000);
    EXPECT_EQ(header.integer("llama.block_count"), 1);
    EXPECT_EQ(header.integer("tokenizer.ggml.token_type_count"), 2) << "encoders size a table by it";
    EXPECT_EQ(header.find("tokenizer.ggml.tokens"), nullptr);
    const PrefixSource source(file);
    const Header whole = parse_header(source);
    ASSERT_EQ(header.tensors.size(), 2u);
    EXPECT_EQ(header.tensors[1].name, "b");
    EXPECT_EQ(header.tensors[1].offset, whole.tensors[1].offset);
    EXPECT_EQ(header.tensors[1].bytes, whole.tensors[1].bytes);
    EXPECT_EQ(probe.file_bytes - probe.header.size(), whole.end_offset - whole.data_offset);
    EXPECT_EQ(header.data_offset, probe.header.size());
}

TEST(GgufProbe, CountsTheTokensWhateverVocabSizeSays) {
    const auto lie = key("llama.vocab_size", ValueType::u32, number(7, 4));
    EXPECT_EQ(parse(probe_of(model(100, {lie}))).integer("llama.vocab_size"), 100);
    EXPECT_EQ(parse(probe_of(model(0, {lie}))).integer("llama.vocab_size"), 7) << "a probe of a probe";
}

TEST(GgufProbe, NeedsTheWholeHeaderButNoWeights) {
    const std::string file = model(100);
    const PrefixSource early(std::string_view(file).substr(0, 200), file.size());
    EXPECT_FALSE(try_make_probe(early));
    const PrefixSource header(std::string_view(file).substr(0, file.size() - 128), file.size());
    EXPECT_TRUE(try_make_probe(header));
    const PrefixSource nonsense(std::string_view("GGUFGGUFGGUFGGUFGGUFGGUFGGUFGGUF"));
    hearth::testing::expect_error(ErrorCode::model_invalid, [&] { (void)try_make_probe(nonsense); });
}

TEST(GgufProbe, TheFileInMemoryIsAsLongAsTheModelAndTakesAHeader) {
    Probe probe = probe_of(model(100));
    probe.file_bytes = std::uint64_t{40} << 30;
    const UniqueFd file = open_probe(probe);
    struct stat facts{};
    ASSERT_EQ(::fstat(file.get(), &facts), 0);
    EXPECT_EQ(static_cast<std::uint64_t>(facts.st_size), probe.file_bytes);
    EXPECT_LT(facts.st_blocks * 512, 1 << 20);
    std::string start(probe.header.size(), '\0');
    EXPECT_EQ(::pread(file.get(), start.data(), start.size(), 0), static_cast<ssize_t>(start.size()));
    EXPECT_EQ(start, probe.header);
}

} // namespace
} // namespace hearth::registry::gguf
