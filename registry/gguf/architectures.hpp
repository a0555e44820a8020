#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hearth::registry::gguf {

/// What a model keeps of the tokens it has seen.
enum class CacheKind : std::uint8_t {
    attention, ///< keys and values in every layer
    recurrent, ///< a state in every layer
    hybrid,    ///< some layers keys and values, the others a state
    none       ///< nothing: a text is read in one step
};

/// Which layers of a hybrid model are recurrent.
enum class StateRule : std::uint8_t {
    without_kv_heads, ///< head_count_kv is 0 there
    by_interval,      ///< all but every full_attention_interval-th, or as attention.recurrent_layers says
};

/// How a recurrent layer computes, which says how much lives at once.
enum class Mixer : std::uint8_t {
    narrow, ///< never the widest point
    mamba,
    mamba2,
    delta_net
};

/// When the layers of an architecture have a sliding window.
enum class WindowRule : std::uint8_t {
    never,   ///< also when the key is there
    present, ///< when attention.sliding_window is there and not 0
    always
};

/// What the keys of a header do not say: how llama.cpp 0.5.0 treats an architecture. From its
/// src/models/*.cpp (load_arch_hparams) and src/llama-model.cpp (create_memory).
struct Architecture {
    std::string_view name;
    CacheKind cache = CacheKind::attention;
    StateRule state = StateRule::without_kv_heads; ///< of hybrid ones
    Mixer mixer = Mixer::narrow;
    WindowRule window = WindowRule::never;
    std::uint32_t window_tokens = 0; ///< without the key
    std::uint32_t window_period = 0; ///< every n-th layer is full; attention.sliding_window_pattern overrides
    std::uint32_t caching_layers =
        0; ///< only so many, from the start, own a cache; 0: attention.shared_kv_layers
    bool copies_tied_output = false; ///< a tied output is loaded a second time, also on the host
    bool gated = true;               ///< networks have a gate matrix
    bool fused_gate = false;         ///< in one matrix with the up matrix
    std::uint32_t rows_beside = 4;   ///< ModelShape::rows_beside: from the engine's dry run of probes
};

/// All that the closed form knows. Each has a probe, with which the engine's own figures agree.
std::span<const Architecture> known_architectures() noexcept;

/// nullptr: the closed form does not know it.
const Architecture* find_architecture(std::string_view name) noexcept;

} // namespace hearth::registry::gguf
