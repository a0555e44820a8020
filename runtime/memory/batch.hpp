#pragma once

#include "registry/model_shape.hpp"
#include "runtime/memory/estimate.hpp"

#include <cstdint>

namespace hearth::runtime::memory {

/// What the options come to in the engine: how many tokens are kept and how many are computed at once.
struct Batch {
    std::uint64_t streams = 1;       ///< separate caches; 1 when unified
    std::uint64_t cells = 0;         ///< of one stream, layers that see everything
    std::uint64_t sliding_cells = 0; ///< of one stream, layers with a window
    std::uint64_t tokens = 0;        ///< computed at once (ubatch)
    std::uint64_t sequences = 1;
    std::uint64_t outputs = 1; ///< rows of scores at once
    bool embeds = false;       ///< vectors are wanted, by the options or by the model itself
};

/// Source: llama.cpp 0.5.0 src/llama-context.cpp (constructor: padding to 256, batch and ubatch) and
/// src/llama-kv-cache-iswa.cpp (size of the window's cache), with the settings of plugins/llama/parameters.cpp.
/// @throws Error  invalid_argument: context, parallel or ubatch out of range
Batch make_batch(const registry::ModelShape& shape, const EstimateOptions& options);

} // namespace hearth::runtime::memory
