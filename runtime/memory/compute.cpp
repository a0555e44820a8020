#include "runtime/memory/compute.hpp"

#include "runtime/memory/kv_cache.hpp"

#include <algorithm>

namespace hearth::runtime::memory {
namespace {

using registry::LayerShape;
using registry::ModelShape;

constexpr std::uint64_t float_bytes = 4;
/// Of one token: positions, cell numbers of keys and values (64-bit, for two caches at most), output numbers.
constexpr std::uint64_t index_floats = 16;

bool slides(const ModelShape& shape) {
    return std::ranges::any_of(shape.layers, &LayerShape::sliding);
}

bool caches(const ModelShape& shape) {
    return std::ranges::any_of(shape.layers, [](const LayerShape& layer) { return layer.key_row > 0; });
}

/// Elements of the queries of one token.
std::uint64_t query_row(const ModelShape& shape, const LayerShape& layer) {
    return std::uint64_t{layer.heads} * shape.key_length;
}

/// Elements beside the network: the layer's input and output rows, and the queries that die last.
std::uint64_t side_floats(const ModelShape& shape, const LayerShape& layer, CacheType kv_type) {
    const std::uint64_t width = shape.embedding_length;
    const std::uint64_t queries = query_row(shape, layer);
    std::uint64_t rows = shape.rows_beside;
    if (is_quantized(kv_type) && queries == width && rows == 4)
        --rows; // the engine rotates queries into a row that it takes again
    else if (is_quantized(kv_type) && queries < width && rows == 4)
        ++rows;
    return (rows - 1) * width + std::min(queries, width);
}

std::uint64_t network_floats(const ModelShape& shape, const LayerShape& layer, CacheType kv_type) {
    return std::uint64_t{layer.feed_forward} * (shape.gated ? 3 : 1) + side_floats(shape, layer, kv_type);
}

std::uint64_t expert_floats(const ModelShape& shape, const LayerShape& layer) {
    if (layer.expert_bytes == 0)
        return 0;
    const std::uint64_t width = shape.embedding_length;
    const std::uint64_t inner = shape.expert_feed_forward;
    const std::uint64_t used = shape.experts_used;
    const std::uint64_t beside = layer.feed_forward > 0 ? 2 * width : 0; // a shared expert keeps its rows
    return std::max(2 * used * (width + inner) + beside,
                    3 * used * inner + 3 * width + query_row(shape, layer));
}

/// Without flash attention: the scores of every head against every cell, an encoder's against every token.
std::uint64_t score_floats(const ModelShape& shape, const LayerShape& layer, const Batch& batch) {
    const std::uint64_t rows =
        shape.rows_beside * std::uint64_t{shape.embedding_length} + 2 * query_row(shape, layer);
    const std::uint64_t keys = std::uint64_t{layer.kv_heads} * shape.key_length;
    if (!shape.causal)
        return layer.heads * batch.tokens + rows + 3 * keys;
    return layer.key_row == 0 ? 0 : layer.heads * batch.cells + rows - shape.embedding_length + 4 * keys;
}

std::uint64_t widest_floats(const ModelShape& shape, const EstimateOptions& options, const Batch& batch) {
    std::uint64_t widest = 0;
    for (const LayerShape& layer : shape.layers) {
        if (layer.prediction)
            continue;
        const std::uint64_t mixer = layer.state_bytes > 0 ? shape.mixer_row : 0;
        widest = std::max(
            {widest, network_floats(shape, layer, options.kv_type), expert_floats(shape, layer), mixer});
        if (!options.flash_attention)
            widest = std::max(widest, score_floats(shape, layer, batch));
    }
    return widest + std::uint64_t{shape.input_rows} * shape.embedding_length + index_floats;
}

/// The scores of the vocabulary, and the row that they come from.
std::uint64_t output_floats(const ModelShape& shape, const Batch& batch) {
    return shape.causal ? batch.outputs * (shape.vocabulary + shape.embedding_length + index_floats) : 0;
}

/// A model that is all state computes on a copy of it.
std::uint64_t copied_state_bytes(const ModelShape& shape, const Batch& batch) {
    return caches(shape) || shape.layers.empty() ? 0 : layer_state_bytes(shape.layers.front(), batch);
}

/// Quantized caches are rotated by square matrices, for keys and for values.
std::uint64_t rotation_bytes(const ModelShape& shape, const EstimateOptions& options) {
    const std::uint64_t side = shape.key_length;
    return caches(shape) && is_quantized(options.kv_type) ? 2 * side * side * float_bytes : 0;
}

} // namespace

std::uint64_t compute_bytes(const ModelShape& shape, const EstimateOptions& options, const Batch& batch) {
    const std::uint64_t layers = batch.tokens * widest_floats(shape, options, batch);
    return float_bytes * std::max(layers, output_floats(shape, batch)) + mask_bytes(shape, options, batch) +
           copied_state_bytes(shape, batch) + rotation_bytes(shape, options);
}

std::uint64_t mask_bytes(const ModelShape& shape, const EstimateOptions& options, const Batch& batch) {
    std::uint64_t columns = 0;
    if (caches(shape))
        columns = batch.cells + (slides(shape) ? batch.sliding_cells : 0);
    else if (!shape.causal) // an encoder's tokens see each other
        columns = batch.tokens * (slides(shape) ? 2 : 1);
    return batch.tokens * columns * (options.flash_attention ? 2 : float_bytes);
}

std::uint64_t row_bytes(const ModelShape& shape, const Batch& batch, std::uint64_t rows) {
    return batch.tokens * rows * shape.embedding_length * float_bytes;
}

std::uint64_t copied_layer_bytes(const ModelShape& shape, const LayerShape& layer,
                                 const EstimateOptions& options, const Batch& batch, bool experts) {
    const std::uint64_t width = shape.embedding_length;
    const bool more_rows = experts || shape.fused_gate || is_quantized(options.kv_type);
    const std::uint64_t rows = row_bytes(shape, batch, more_rows ? 6 : 4);
    const std::uint64_t inputs = mask_bytes(shape, options, batch) + rows;
    std::uint64_t bytes = 0;
    if (layer.expert_bytes > 0) {
        const std::uint64_t rows_of_experts = shape.experts_used * (width + shape.expert_feed_forward);
        bytes =
            layer.expert_bytes * 2 / 5 + batch.tokens * float_bytes * rows_of_experts; // the largest of three
    }
    if (!experts && layer.feed_forward > 0) {
        const std::uint64_t matrices = shape.gated ? 3 : 2;
        const std::uint64_t network = matrices * layer.feed_forward * width;
        const std::uint64_t attention = 2 * width * (query_row(shape, layer) + layer.key_row);
        const double share =
            static_cast<double>(layer.feed_forward * width) / static_cast<double>(network + attention);
        const auto matrix = static_cast<std::uint64_t>(static_cast<double>(layer.dense_bytes) * share) *
                            (shape.fused_gate ? 2 : 1);
        bytes = std::max(bytes, matrix + 2 * batch.tokens * float_bytes * layer.feed_forward);
    }
    return bytes + inputs;
}

} // namespace hearth::runtime::memory
