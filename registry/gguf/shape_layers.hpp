#pragma once

#include "registry/gguf/architectures.hpp"
#include "registry/gguf/model_keys.hpp"
#include "registry/model_shape.hpp"

namespace hearth::registry::gguf {

/// Fills in what the keys say about each layer: heads, cached rows, windows, shared caches, states. Weights and
/// widths of networks come from the tensors.
/// @param architecture  nullptr: one that is not known; then only the heads are read
/// @throws Error  model_invalid
void read_layers(const ModelKeys& keys, const Architecture* architecture, ModelShape& shape);

} // namespace hearth::registry::gguf
