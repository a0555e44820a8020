#pragma once

#include <cstddef>
#include <map>

struct ggml_backend_buffer_type;
struct llama_context;

namespace hearth::llama {

/// Bytes of recurrent state by buffer type; llama.cpp's account has them in one figure with the key/value cache.
std::map<ggml_backend_buffer_type*, std::size_t> recurrent_state_of(llama_context* context);

} // namespace hearth::llama
