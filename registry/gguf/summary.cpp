#include "registry/gguf/summary.hpp"

#include "base/error.hpp"
#include "registry/gguf/types.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <map>

namespace hearth::registry::gguf {
namespace {

/// llama.cpp's own ceilings for layers and experts; the last is far above any context or width.
constexpr std::int64_t most_layers = 512;
constexpr std::int64_t most_experts = 1024;
constexpr std::int64_t largest_number = std::int64_t{1} << 24;
constexpr std::int64_t most_shards = 4096;

constexpr auto encoder_architectures = std::to_array<std::string_view>({
    "bert",
    "nomic-bert",
    "nomic-bert-moe",
    "jina-bert-v2",
    "jina-bert-v3",
    "modern-bert",
    "neo-bert",
    "eurobert",
    "t5encoder",
    "gemma-embedding",
});

std::int64_t number_in(const Header& header, const std::string& key, std::int64_t lowest,
                       std::int64_t highest, std::int64_t absent) {
    const auto value = header.integer(key);
    if (!value)
        return absent;
    if (*value < lowest || *value > highest)
        throw Error(ErrorCode::model_invalid,
                    fmt::format("bad GGUF: '{}' is {}, not {} to {}", key, *value, lowest, highest));
    return *value;
}

std::string dominant_type(const Header& header) {
    std::map<std::string_view, std::uint64_t> elements;
    for (const TensorInfo& tensor : header.tensors)
        elements[tensor.type->name] += tensor.elements;
    const auto most = std::ranges::max_element(elements, {}, [](const auto& entry) { return entry.second; });
    return most == elements.end() ? std::string("unknown") : std::string(most->first);
}

void read_split(const Header& header, Summary& summary) {
    summary.shards = std::max<std::int64_t>(1, number_in(header, "split.count", 0, most_shards, 0));
    summary.shard = number_in(header, "split.no", 0, summary.shards - 1, 0) + 1;
    summary.shard_tensors =
        number_in(header, "split.tensors.count", 0, static_cast<std::int64_t>(limits::tensors), 0);
}

bool is_embedding(const Header& header, const std::string& architecture) {
    if (std::ranges::find(encoder_architectures, architecture) != encoder_architectures.end())
        return true;
    return header.integer(architecture + ".pooling_type").value_or(0) != 0; // 0 is "none"
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

} // namespace

Summary summarize(const Header& header) {
    Summary summary;
    read_split(header, summary);
    summary.kind = header.text("general.type").value_or("model");
    summary.architecture = header.text("general.architecture").value_or("");
    if (summary.architecture.empty() && summary.shard == 1)
        throw Error(ErrorCode::model_invalid, "bad GGUF: 'general.architecture' is missing");
    const std::string& name = summary.architecture;
    summary.context_length = number_in(header, name + ".context_length", 1, largest_number, 0);
    summary.embedding_length = number_in(header, name + ".embedding_length", 1, largest_number, 0);
    number_in(header, name + ".block_count", 0, most_layers, 0);
    number_in(header, name + ".expert_count", 0, most_experts, 0);
    for (const TensorInfo& tensor : header.tensors)
        summary.parameters += tensor.elements; // at most 2^16 × what fits in a file
    const std::string_view file_type = file_type_name(header.integer("general.file_type").value_or(-1));
    summary.quantization = file_type.empty() ? dominant_type(header) : std::string(file_type);
    summary.chat_template = header.text("tokenizer.chat_template").value_or("");
    return summary;
}

std::string parameter_text(std::uint64_t parameters) {
    const auto scaled = [parameters](double unit, int decimals, char letter) {
        const double number = static_cast<double>(parameters) / unit;
        return fmt::format("{:.{}f}{}", number, number == std::floor(number) ? 0 : decimals, letter);
    };
    if (parameters >= 1'000'000'000)
        return scaled(1e9, 1, 'B');
    if (parameters >= 1'000'000)
        return scaled(1e6, 2, 'M');
    if (parameters >= 1'000)
        return scaled(1e3, 0, 'K');
    return std::to_string(parameters);
}

std::vector<std::string> capabilities(const Header& header, const Summary& summary, bool has_projector,
                                      std::string_view go_template) {
    if (is_embedding(header, summary.architecture))
        return {"embedding"};
    std::vector<std::string> words{"completion"};
    const std::string_view jinja = summary.chat_template;
    if (contains(jinja, "tools") || contains(go_template, ".Tools"))
        words.emplace_back("tools");
    const bool fill_in_middle = header.find("tokenizer.ggml.fim_pre_token_id") != nullptr ||
                                header.find("tokenizer.ggml.prefix_token_id") != nullptr; // the older name
    if (fill_in_middle || contains(go_template, ".Suffix"))
        words.emplace_back("insert");
    if (has_projector || header.find(summary.architecture + ".vision.block_count") != nullptr)
        words.emplace_back("vision");
    if (contains(jinja, "<think>") || contains(jinja, "enable_thinking") || contains(go_template, ".Think"))
        words.emplace_back("thinking");
    return words;
}

} // namespace hearth::registry::gguf
