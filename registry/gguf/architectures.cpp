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
    {.name = "qwen3"},
    {.name = "qwen3vl"},
    {.name = "qwen3moe"},
    {.name = "qwen3vlmoe"},
    {.name = "gemma"},
    {.name = "phi3", .fused_gate = true, .rows_beside = 3}, // its window is switched off
    {.name = "smollm3"},
    {.name = "granite"},
    {.name = "internlm2"},
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
    // State instead of, or beside, keys and values.
    {.name = "mamba", .cache = recurrent, .mixer = Mixer::mamba},
    {.name = "lfm2", .cache = hybrid, .window = WindowRule::present, .rows_beside = 3},
    {.name = "granitehybrid", .cache = hybrid, .mixer = Mixer::mamba2, .rows_beside = 5},
    {.name = "qwen35",
     .cache = hybrid,
     .state = StateRule::by_interval,
     .mixer = Mixer::delta_net,
     .rows_beside = 3},
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

std::span<const Architecture> known_architectures() noexcept {
    return architectures;
}

const Architecture* find_architecture(std::string_view name) noexcept {
    const auto found = std::ranges::find(architectures, name, &Architecture::name);
    return found == architectures.end() ? nullptr : &*found;
}

} // namespace hearth::registry::gguf
