#pragma once

#include <cstdint>

struct ggml_tensor;
struct llama_model;

namespace hearth::llama {

/// Whether the tensor is used where the file is mapped, and not in memory of its own.
bool is_mapped(const ggml_tensor* tensor);

/// Bytes of weights that are used in the map, each tensor padded as in a buffer. The map itself spans the file from
/// the first to the last of them, with all in between that was copied elsewhere.
std::uint64_t mapped_bytes(const llama_model* model);

/// Takes pages of the map out of this process that hold only weights which were copied elsewhere (repacked, or to a
/// GPU): the load has touched them, nothing will again, and they would count as ours. The kernel keeps them cached
/// as long as it likes.
void drop_unused_pages(const llama_model* model);

} // namespace hearth::llama
