#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// What a model's header says about the memory it will need: values only, so that `runtime` may include this
/// file. Made by registry/gguf/shape.hpp; read by runtime/memory. Keys and rules: reference memory.md 1.3.
namespace hearth::registry {

/// One block of the trunk (or one MTP block, which has weights but no cache in the main context).
struct LayerShape {
    std::uint32_t heads = 0;
    std::uint32_t kv_heads = 0;     ///< 0: no attention here (convolution, recurrent)
    std::uint32_t key_row = 0;      ///< elements of K cached for one token; MLA: the compressed row; 0: none
    std::uint32_t value_row = 0;    ///< elements of V cached for one token; 0: none (MLA caches K alone)
    std::uint32_t feed_forward = 0; ///< width of the dense or shared network; 0: none
    bool sliding = false;           ///< caches its window only
    bool shares_cache = false;      ///< reads another layer's cache (gemma3n), owns none
    bool prediction = false;        ///< an MTP block: not run, no cache
    std::uint64_t state_bytes = 0;  ///< recurrent state of one sequence, F32; 0: not recurrent
    std::uint64_t dense_bytes = 0;  ///< weights without routed experts, each tensor padded to 32
    std::uint64_t expert_bytes = 0; ///< weights of all routed experts
};

/// Bytes of weights by tensor type: speed and repacking depend on it.
struct TypeBytes {
    std::string type; ///< "Q4_K"
    std::uint64_t bytes = 0;
    std::uint64_t elements = 0;
};

struct ModelShape {
    std::string architecture;     ///< general.architecture
    std::string quantization;     ///< "Q4_K_M", as ModelDetails
    std::uint64_t file_bytes = 0; ///< of all shards
    std::uint64_t parameters = 0; ///< elements of all tensors
    std::uint32_t embedding_length = 0;
    std::uint32_t vocabulary = 0;
    std::uint32_t context_trained = 0; ///< 0: not said
    std::uint32_t sliding_window = 0;  ///< tokens; 0: none. The layers say who slides
    std::uint32_t experts = 0;
    std::uint32_t experts_used = 0;
    std::uint32_t expert_feed_forward = 0;
    std::uint32_t key_length = 0; ///< of one head, of full layers: attention without flash needs it
    std::uint32_t value_length = 0;
    // What lives while a layer is computed, in elements for one token; measured by architecture.
    std::uint32_t rows_beside = 4; ///< rows of embedding_length beside the network
    std::uint32_t input_rows = 0;  ///< such rows more, because several go in for an image (deepstack)
    std::uint32_t mixer_row = 0;   ///< of a recurrent layer
    bool gated = true;             ///< networks have a gate matrix beside the up matrix
    bool fused_gate = false;       ///< the gate and up matrices are one
    bool causal = true;            ///< false: an encoder; a text is one batch
    bool embeds = false;           ///< made for vectors: has a pooling type
    bool tied_output = false;      ///< the output matrix is the input matrix
    bool closed_form = false; ///< `estimate` knows this architecture; else only the engine's dry run does
    std::vector<LayerShape> layers;          ///< block_count of them, MTP blocks last
    std::uint64_t input_bytes = 0;           ///< token (and position) embeddings: always in host memory
    std::uint64_t token_embedding_bytes = 0; ///< of `input_bytes`: what a tied output copies to a GPU
    std::uint64_t output_bytes =
        0;                         ///< output matrix of its own (gemma3n: a copy of the input's); 0 when tied
    std::uint64_t other_bytes = 0; ///< norms and tables outside the layers
    std::vector<TypeBytes> types;  ///< all weights, largest first
    bool exact_weights =
        true; ///< false: scaled from a file size, because only another quantization's header was read

    /// All weights: layers, input, output, other.
    std::uint64_t weight_bytes() const;
};

/// A projector (mmproj) or draft beside the model.
struct SideFileShape {
    std::uint64_t weight_bytes = 0;
    std::uint64_t compute_bytes = 0; ///< 0: not known from the header
};

} // namespace hearth::registry
