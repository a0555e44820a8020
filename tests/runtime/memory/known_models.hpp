#pragma once

#include "runtime/memory/fit.hpp"

#include <string>
#include <vector>

/// Shapes of well-known models in any quantization, from their published hyper-parameters.
namespace hearth::tests {

struct KnownModel {
    std::string architecture;
    int layers = 0;
    std::uint32_t width = 0;
    std::uint32_t vocabulary = 0;
    std::uint32_t heads = 0;
    std::uint32_t kv_heads = 0;
    std::uint32_t head_length = 0;
    std::uint32_t feed_forward = 0; ///< of a dense layer, or of one expert
    std::uint32_t experts = 0;
    std::uint32_t experts_used = 0;
    std::uint32_t context_trained = 131072;
    std::uint32_t sliding_window = 0;
    int full_layer_period = 1; ///< every n-th layer sees all; 1: all do
    bool tied_output = false;
    std::uint64_t norms_per_layer = 2; ///< vectors of `width` in F32
    std::uint64_t extra_f32 = 0;       ///< other F32 elements of a layer: biases, head norms
    bool is_70b = false;
};

extern const KnownModel llama_3_2_1b, llama_3_1_8b, llama_3_3_70b, qwen3_8b, qwen3_30b_a3b, gemma_3_12b,
    gpt_oss_20b, gpt_oss_20b_small_vocabulary;

registry::ModelShape shape_of(const KnownModel& model, const std::string& quant);

runtime::memory::Candidate candidate_of(const KnownModel& model, const std::string& quant);

/// What publishers offer: Q8_0, Q6_K, the M and S mixtures, IQ4_XS, Q4_0, IQ3_M, IQ2_M, Q2_K.
std::vector<runtime::memory::Candidate> published(const KnownModel& model);

} // namespace hearth::tests
