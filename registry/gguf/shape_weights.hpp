#pragma once

#include "registry/gguf/header.hpp"
#include "registry/model_shape.hpp"

namespace hearth::registry::gguf {

/// Adds the tensors of one file to the shape: bytes by layer and place, widths of networks, types. Which tensors
/// belong to the input and which to the output: llama.cpp 0.5.0 src/llama-arch.cpp (LLM_TENSOR_INFOS).
/// @throws Error  model_invalid: a tensor of a layer that the keys do not have
void add_weights(const Header& header, ModelShape& shape);

/// After the last file: sorts the types, and says whether the output is the input.
void finish_weights(ModelShape& shape);

} // namespace hearth::registry::gguf
