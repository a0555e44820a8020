#pragma once

#include "registry/gguf/header.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::registry::gguf {

/// What a header says about its model, in the words of Ollama's API.
struct Summary {
    std::string architecture; ///< "llama"; never empty
    std::string kind;         ///< general.type: "model", "adapter", "mmproj", "imatrix"; "model" when absent
    std::uint64_t parameters = 0;      ///< elements of all tensors of this file
    std::string quantization;          ///< "Q4_K_M"; from general.file_type, else the type most elements have
    std::int64_t context_length = 0;   ///< 0: not said
    std::int64_t embedding_length = 0; ///< 0: not said
    std::string chat_template;         ///< Jinja, may be empty
    std::int64_t shard = 1;            ///< 1 … shards
    std::int64_t shards = 1;
    std::int64_t shard_tensors = 0; ///< tensors of all shards together; 0 when not split
};

/// @throws Error  model_invalid: no architecture, a key of the wrong type, or a number that no model has
/// (memory.md 1.4)
Summary summarize(const Header& header);

/// "3.2B", "494.03M", "260K", "512": as Ollama prints parameter counts.
std::string parameter_text(std::uint64_t parameters);

/// Of Ollama's words: completion, embedding, tools, insert, vision, thinking.
/// @param go_template  Ollama's template layer, may be empty
std::vector<std::string> capabilities(const Header& header, const Summary& summary, bool has_projector,
                                      std::string_view go_template);

} // namespace hearth::registry::gguf
