#pragma once

#include "plugins/llama/failure.hpp"
#include "plugins/llama/pretended_device.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hearth::llama {

struct ModelHeader;

/// The load spec's JSON, checked.
struct Settings {
    std::string alias = "model";
    std::int64_t context = 0; ///< tokens per sequence; 0: the model's own
    int parallel = 1;
    bool unified = true; ///< sequences share one pool of context × parallel cells; else each has its own
    int threads = 0;     ///< 0: physical cores, one for models below 64 MiB
    bool embeddings = false;
    std::string chat_template; ///< empty: the model's own
    std::optional<int> gpu_layers;
    std::vector<double> tensor_split;     ///< share of each GPU; empty: by free memory
    int expert_layers_on_host = 0;        ///< of the layers on the GPU, the first N keep their experts in RAM
    std::vector<PretendedDevice> pretend; ///< GPUs that an estimate takes instead of the real ones
    std::vector<std::string>
        arguments; ///< llama-server's, checked against the list of those that are allowed

    /// @throws Failure  HEARTH_E_INVALID
    explicit Settings(hearth_str spec);
};

/// JSON Schema of "options", for `describe`.
Json options_schema();

} // namespace hearth::llama
