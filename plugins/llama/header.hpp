#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace hearth::llama {

/// What must be known of a model before llama.cpp loads it.
struct ModelHeader {
    std::string architecture;
    std::int64_t context_trained = 0; ///< tokens; 0: not said
    std::int64_t layers = 0;          ///< 0: not said
    bool latent_attention = false;    ///< MLA: keys and values are cached compressed
    std::optional<std::int64_t>
        pooling; ///< llama_pooling_type that the model was made for: it is an embedding model
};

/// Reads a model's metadata and refuses dangerous chat templates.
/// @throws Failure  HEARTH_E_FORMAT
ModelHeader read_header(const std::string& path);

} // namespace hearth::llama
