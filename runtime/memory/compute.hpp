#pragma once

#include "registry/model_shape.hpp"
#include "runtime/memory/batch.hpp"
#include "runtime/memory/estimate.hpp"

#include <cstdint>

namespace hearth::runtime::memory {

/// Bytes of the buffer in which a device computes: the widest point of a layer, and the attention masks.
/// Rules fitted to the engine's dry run (llama.cpp 0.5.0, ggml 0.25.1) on the probes of tools/make_probe; within
/// 8 MiB of it there. Independent of the type of the weights.
std::uint64_t compute_bytes(const registry::ModelShape& shape, const EstimateOptions& options,
                            const Batch& batch);

/// The inputs of a graph alone: masks, and `rows` rows as wide as the embedding for each token. They stay on the
/// host when the layers are computed elsewhere.
std::uint64_t input_bytes(const registry::ModelShape& shape, const EstimateOptions& options,
                          const Batch& batch, std::uint64_t rows);

} // namespace hearth::runtime::memory
