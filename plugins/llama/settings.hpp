#pragma once

#include "plugins/llama/failure.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace hearth::llama {

struct ModelHeader;

/// The load spec's JSON, checked.
struct Settings {
    std::string alias = "model";
    std::int64_t context = 0; ///< tokens per sequence; 0: the model's own
    int parallel = 1;
    int threads = 0; ///< 0: physical cores, one for models below 64 MiB
    bool embeddings = false;
    std::string chat_template; ///< empty: the model's own
    std::vector<std::string>
        arguments; ///< llama-server's, checked against the list of those that are allowed

    /// @throws Failure  HEARTH_E_INVALID
    explicit Settings(hearth_str spec);
};

/// JSON Schema of "options", for `describe`.
Json options_schema();

} // namespace hearth::llama
