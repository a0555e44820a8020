#include "registry/gguf/architectures.hpp"

#include <algorithm>
#include <array>

namespace hearth::registry::gguf {
namespace {

using enum CacheKind;

// Attention in every layer and nothing else to say, window or not.
constexpr auto architectures = std::to_array<Architecture>({
    {.name = "llama"},
    {.name = "mistral3"},
    {.name = "qwen2"},
    {.name = "qwen2vl"},
    {.name = "qwen2moe"},
    {.name = "qwen3"},
    {.name = "qwen3vl"},
    {.name = "qwen3moe"},
    {.name = "qwen3vlmoe"},
    {.name = "gemma"},
    {.name = "phi3", .rows_beside = 3}, // its window is switched off
    {.name = "smollm3"},
    {.name = "granite"},
    {.name = "granitemoe"},
    {.name = "internlm2"},
    {.name = "seed_oss"},
    {.name = "deepseek2"},
    // Sliding windows.
    {.name = "gemma2", .window = WindowRule::always, .window_tokens = 4096, .window_period = 2},
    {.name = "gemma3", .window = WindowRule::present, .window_period = 6},
    {.name = "gemma3n",
     .window = WindowRule::always,
     .window_period = 5,
     .caching_layers = 20,
     .copies_tied_output = true,
     .rows_beside = 14},
    {.name = "gpt-oss", .window = WindowRule::always, .window_period = 2},
    {.name = "cohere2", .window = WindowRule::always, .window_period = 4},
    {.name = "olmo2", .window = WindowRule::present, .window_period = 4},
    {.name = "smallthinker",
     .window = WindowRule::present,
     .window_tokens = 4096,
     .window_period = 4,
     .full_first = true},
    // State instead of, or beside, keys and values.
    {.name = "mamba", .cache = recurrent, .rows_beside = 14},
    {.name = "lfm2", .cache = hybrid, .window = WindowRule::present, .rows_beside = 3},
    {.name = "lfm2moe", .cache = hybrid},
    {.name = "granitehybrid", .cache = hybrid, .rows_beside = 5},
    {.name = "qwen3next", .cache = hybrid, .state = StateRule::by_interval},
    {.name = "qwen35", .cache = hybrid, .state = StateRule::by_interval, .rows_beside = 3},
    {.name = "qwen35moe", .cache = hybrid, .state = StateRule::by_interval},
    // Encoders.
    {.name = "bert", .cache = none, .gated = false, .rows_beside = 3},
    {.name = "nomic-bert", .cache = none, .rows_beside = 3},
    {.name = "gemma-embedding",
     .cache = none,
     .window = WindowRule::always,
     .window_period = 6,
     .rows_beside = 3},
});

} // namespace

const Architecture* find_architecture(std::string_view name) noexcept {
    const auto found = std::ranges::find(architectures, name, &Architecture::name);
    return found == architectures.end() ? nullptr : &*found;
}

} // namespace hearth::registry::gguf
