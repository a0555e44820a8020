#pragma once

#include <cstdint>
#include <string_view>

namespace hearth::registry::gguf {

/// A tensor element type of ggml. Source: ggml.h at llama.cpp de3ff81, table in reference memory.md 1.5.
struct TensorType {
    std::uint32_t id;
    std::string_view name;
    std::uint32_t block_elements; ///< a row is a whole number of blocks
    std::uint32_t block_bytes;
};

/// nullptr for ids that were removed or never existed.
const TensorType* find_tensor_type(std::uint32_t id) noexcept;

/// `general.file_type` as people say it: "Q4_K_M". The flag 1024 ("guessed") is ignored. Empty when unknown.
std::string_view file_type_name(std::int64_t file_type) noexcept;

} // namespace hearth::registry::gguf
