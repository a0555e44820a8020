#pragma once

#include "registry/model_shape.hpp"
#include "runtime/memory/batch.hpp"
#include "runtime/memory/estimate.hpp"

#include <cstdint>

namespace hearth::runtime::memory {

/// Bytes of keys and values that one layer keeps, of all sequences; 0 when it owns no cache.
/// Source: llama.cpp 0.5.0 src/llama-kv-cache.cpp (K and V tensors; V is padded to the widest layer's without
/// flash attention).
std::uint64_t layer_cache_bytes(const registry::ModelShape& shape, const registry::LayerShape& layer,
                                const EstimateOptions& options, const Batch& batch);

/// Bytes of recurrent state that one layer keeps, of all sequences.
/// Source: llama.cpp 0.5.0 src/llama-memory-recurrent.cpp (one row of F32 per sequence).
std::uint64_t layer_state_bytes(const registry::LayerShape& layer, const Batch& batch);

bool is_quantized(CacheType type) noexcept;

} // namespace hearth::runtime::memory
