#pragma once

#include "registry/gguf/header.hpp"
#include "registry/model_shape.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace hearth::registry::gguf {

/// What a model's header says about the memory it will need. Any model parses; `closed_form` says whether its
/// architecture is one that the estimate knows (architectures.hpp).
/// @throws Error  model_invalid: a key that is missing, of the wrong type, or a number or array length that no
/// model has (memory.md 1.4)
ModelShape read_shape(const Header& header);

/// The same of a split model: the keys of the first shard, the tensors of all.
/// @param shards  at least one, in order
/// @throws Error  model_invalid, also when shards are missing or in the wrong order
ModelShape read_shape(std::span<const Header* const> shards);

/// What the keys alone say: tensors may be missing, as they are in the first bytes of a header, or be those of the
/// first of several shards.
/// @throws Error  model_invalid
ModelShape read_keys(const Header& header);

/// A projector or draft beside a model, from its own header. What it computes with is said for projectors whose
/// images have one size.
/// @throws Error  model_invalid
SideFileShape read_side_file(const Header& header);

/// The same model in another quantization, of which only the size is known: the weights are scaled, the rest
/// stays. Not exact, because mixtures differ by tensor.
/// @param quantization  "Q5_K_M", as Summary::quantization
/// @param file_bytes    of all shards of the other one
ModelShape scale_shape(const ModelShape& shape, const std::string& quantization, std::uint64_t file_bytes);

} // namespace hearth::registry::gguf
