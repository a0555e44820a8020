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

/// Of `rows` rows as wide as the embedding, for every token of a batch.
std::uint64_t row_bytes(const registry::ModelShape& shape, const Batch& batch, std::uint64_t rows);

/// A row of the mask for every token and kind of cache: F16 for flash attention, else F32.
std::uint64_t mask_bytes(const registry::ModelShape& shape, const EstimateOptions& options,
                         const Batch& batch);

/// The widest point of a layer whose network is on the host and computed on an accelerator: one of its matrices is
/// copied there. Fitted like compute_bytes, on pretended devices; within 70 MiB of them. @param experts  only the layer's experts are on the host
std::uint64_t copied_layer_bytes(const registry::ModelShape& shape, const registry::LayerShape& layer,
                                 const EstimateOptions& options, const Batch& batch, bool experts);

} // namespace hearth::runtime::memory
