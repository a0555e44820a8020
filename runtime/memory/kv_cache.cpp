#include "runtime/memory/kv_cache.hpp"

#include <algorithm>
#include <array>

namespace hearth::runtime::memory {
namespace {

struct Block {
    std::uint64_t elements;
    std::uint64_t bytes;
};

// By CacheType. Source: memory.md 1.5.
constexpr auto blocks = std::to_array<Block>(
    {{1, 4}, {1, 2}, {1, 2}, {32, 34}, {32, 24}, {32, 22}, {32, 20}, {32, 18}, {32, 18}});

std::uint64_t row_bytes(CacheType type, std::uint64_t elements) {
    const Block& block = blocks[static_cast<std::size_t>(type)];
    return (elements + block.elements - 1) / block.elements * block.bytes;
}

} // namespace

bool is_quantized(CacheType type) noexcept {
    return blocks[static_cast<std::size_t>(type)].elements > 1;
}

std::uint64_t layer_cache_bytes(const registry::ModelShape& shape, const registry::LayerShape& layer,
                                const EstimateOptions& options, const Batch& batch) {
    if (layer.shares_cache || layer.prediction || layer.key_row == 0)
        return 0;
    std::uint64_t values = layer.value_row;
    if (!options.flash_attention && values != 0)
        values = std::ranges::max_element(shape.layers, {}, &registry::LayerShape::value_row)->value_row;
    const std::uint64_t cells = layer.sliding ? batch.sliding_cells : batch.cells;
    const std::uint64_t row = row_bytes(options.kv_type, layer.key_row) + row_bytes(options.kv_type, values);
    return batch.streams * cells * row; // ≤ 2^8 × 2^31 × 2^21
}

std::uint64_t layer_state_bytes(const registry::LayerShape& layer, const Batch& batch) {
    return layer.prediction ? 0 : batch.sequences * layer.state_bytes;
}

} // namespace hearth::runtime::memory
