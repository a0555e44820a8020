#pragma once

#include "registry/gguf/header.hpp"
#include "registry/model_shape.hpp"

#include <cstdint>
#include <string>

namespace hearth::registry::gguf {

/// The shape of a model of which only the hyper-parameters were read: the file's bytes are spread over layers,
/// experts and embeddings by their number of elements. Sums are right to the size of the header; which layer has
/// how much is a guess, so `exact_weights` is false.
/// @param keys          the first bytes of a header; tensors are not needed
/// @param quantization  "Q4_K_M"; empty: as the header says
/// @param file_bytes    of all shards
/// @throws Error        model_invalid, as read_keys
ModelShape spread_shape(const Header& keys, const std::string& quantization, std::uint64_t file_bytes);

} // namespace hearth::registry::gguf
