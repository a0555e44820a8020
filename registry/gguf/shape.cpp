#include "registry/gguf/shape.hpp"

#include "base/error.hpp"
#include "registry/gguf/architectures.hpp"
#include "registry/gguf/model_keys.hpp"
#include "registry/gguf/shape_layers.hpp"
#include "registry/gguf/shape_weights.hpp"
#include "registry/gguf/summary.hpp"
#include "registry/gguf/types.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace hearth::registry::gguf {
namespace {

/// Caches beside keys and values, which only the engine's dry run counts.
constexpr auto keys_beyond_us = std::to_array<std::string_view>(
    {"attention.indexer.head_count", "attention.indexer.key_length", "hyper_connection.count"});

bool is_beyond_us(const ModelKeys& keys) {
    return std::ranges::any_of(keys_beyond_us, [&](std::string_view key) { return keys.has(key); });
}

void read_numbers(const ModelKeys& keys, const Header& header, ModelShape& shape) {
    shape.embedding_length = keys.needed("embedding_length");
    shape.context_trained = keys.number("context_length", 0);
    shape.vocabulary = keys.vocabulary();
    if (shape.vocabulary == 0)
        for (const TensorInfo& tensor : header.tensors)
            if (tensor.name == "token_embd.weight")
                shape.vocabulary =
                    static_cast<std::uint32_t>(std::min<std::uint64_t>(tensor.dims[1], ModelKeys::largest));
    constexpr std::int64_t most_experts = 1024;
    constexpr std::int64_t most_rows = 64;
    shape.input_rows = 2 * keys.number("n_deepstack_layers", 0, most_rows);
    shape.experts = keys.number("expert_count", 0, most_experts);
    shape.experts_used = std::ranges::max(keys.per_layer("expert_used_count", 0, most_experts));
    if (shape.experts_used > shape.experts)
        throw Error(ErrorCode::model_invalid,
                    fmt::format("bad GGUF: {} of {} experts are used", shape.experts_used, shape.experts));
}

void read_purpose(const ModelKeys& keys, const Architecture* architecture, ModelShape& shape) {
    const bool encoder = architecture != nullptr && architecture->cache == CacheKind::none;
    shape.causal = keys.flag("attention.causal").value_or(!encoder) && !encoder;
    shape.embeds = encoder || keys.number("pooling_type", 0) != 0;
}

void check_shards(std::span<const Header* const> shards) {
    if (shards.empty())
        throw Error(ErrorCode::internal, "a shape of no files");
    std::uint64_t tensors = 0;
    for (const Header* shard : shards)
        tensors += shard->tensors.size();
    for (std::size_t i = 0; i < shards.size(); ++i) {
        const Summary summary = summarize(*shards[i]);
        if (summary.shards != static_cast<std::int64_t>(shards.size()) ||
            summary.shard != static_cast<std::int64_t>(i) + 1)
            throw Error(ErrorCode::model_invalid,
                        fmt::format("shard {} of {} stands where {} of {} belongs", summary.shard,
                                    summary.shards, i + 1, shards.size()));
        if (summary.shard_tensors != 0 && summary.shard_tensors != static_cast<std::int64_t>(tensors))
            throw Error(ErrorCode::model_invalid, fmt::format("{} tensors in {} shards, not {}", tensors,
                                                              shards.size(), summary.shard_tensors));
    }
}

/// "Q4_K_M" is mostly "Q4_K"; a name that is no mixture of a known type stands for itself.
std::string main_type(const std::string& quantization) {
    for (std::uint32_t id = 0; id < 64; ++id) {
        const TensorType* type = find_tensor_type(id);
        if (type != nullptr && quantization.starts_with(type->name) &&
            (quantization.size() == type->name.size() || quantization[type->name.size()] == '_'))
            return std::string(type->name);
    }
    return quantization;
}

ModelShape shape_of(std::span<const Header* const> shards) {
    const Header& first = *shards.front();
    if (first.text("general.architecture").value_or("") == "clip")
        throw Error(ErrorCode::model_invalid, "this GGUF is a projector (mmproj), not a model",
                    "it belongs to a model; name that");
    const ModelKeys keys(first);
    const Architecture* architecture = find_architecture(keys.architecture());
    ModelShape shape;
    shape.architecture = keys.architecture();
    shape.quantization = summarize(first).quantization;
    read_numbers(keys, first, shape);
    read_purpose(keys, architecture, shape);
    read_layers(keys, architecture, shape);
    for (const Header* shard : shards) {
        add_weights(*shard, shape);
        shape.file_bytes += shard->end_offset;
    }
    finish_weights(shape);
    if (architecture != nullptr) {
        shape.gated = architecture->gated;
        shape.fused_gate = architecture->fused_gate;
        shape.rows_beside = architecture->rows_beside;
        if (architecture->copies_tied_output && shape.tied_output) {
            shape.output_bytes = shape.token_embedding_bytes;
            shape.tied_output = false;
        }
    }
    shape.closed_form = architecture != nullptr && !is_beyond_us(keys);
    return shape;
}

} // namespace

ModelShape read_shape(const Header& header) {
    const Header* const shards[] = {&header};
    return read_shape(shards);
}

ModelShape read_shape(std::span<const Header* const> shards) {
    check_shards(shards);
    return shape_of(shards);
}

ModelShape read_keys(const Header& header) {
    const Header* const shards[] = {&header};
    return shape_of(shards);
}

ModelShape scale_shape(const ModelShape& shape, const std::string& quantization, std::uint64_t file_bytes) {
    ModelShape scaled = shape;
    const std::uint64_t weights = shape.weight_bytes();
    const std::uint64_t header = shape.file_bytes - std::min(shape.file_bytes, weights);
    const double factor = weights == 0 ? 0
                                       : static_cast<double>(file_bytes - std::min(file_bytes, header)) /
                                             static_cast<double>(weights);
    const auto scale = [factor](std::uint64_t& bytes) {
        bytes = static_cast<std::uint64_t>(static_cast<double>(bytes) * factor);
    };
    for (LayerShape& layer : scaled.layers) {
        scale(layer.dense_bytes);
        scale(layer.expert_bytes);
    }
    scale(scaled.input_bytes);
    scale(scaled.output_bytes);
    scale(scaled.other_bytes);
    scale(scaled.token_embedding_bytes);
    scaled.types = {
        {.type = main_type(quantization), .bytes = scaled.weight_bytes(), .elements = shape.parameters}};
    scaled.quantization = quantization;
    scaled.file_bytes = file_bytes;
    scaled.exact_weights = false;
    return scaled;
}

} // namespace hearth::registry::gguf
