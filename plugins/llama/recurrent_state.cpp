#include "plugins/llama/recurrent_state.hpp"

#include <llama.h>
#include <src/llama-memory-hybrid-iswa.h>
#include <src/llama-memory-hybrid.h>
#include <src/llama-memory-recurrent.h>

namespace hearth::llama {

std::map<ggml_backend_buffer_type*, std::size_t> recurrent_state_of(llama_context* context) {
    llama_memory_i* const memory = llama_get_memory(context);
    if (const auto* hybrid = dynamic_cast<llama_memory_hybrid*>(memory)) {
        return hybrid->get_mem_recr()->memory_breakdown();
    }
    if (const auto* hybrid = dynamic_cast<llama_memory_hybrid_iswa*>(memory)) {
        return hybrid->get_mem_recr()->memory_breakdown();
    }
    if (const auto* recurrent = dynamic_cast<llama_memory_recurrent*>(memory)) {
        return recurrent->memory_breakdown();
    }
    return {};
}

} // namespace hearth::llama
