#include "registry/gguf/shape_layers.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

// Rules of llama.cpp 0.5.0: src/llama-model.cpp (load_hparams, create_memory, load_swa_pattern) and
// src/llama-hparams.cpp (n_embd_k_gqa, n_embd_r, n_embd_s, set_swa_pattern).
namespace hearth::registry::gguf {
namespace {

/// Of one cached row, in elements; real ones are below 2^15. Keeps every product of the estimate in 64 bits.
constexpr std::uint64_t widest_row = std::uint64_t{1} << 18;
constexpr std::int64_t widest_head = std::int64_t{1} << 16;
constexpr std::int64_t most_state = std::int64_t{1} << 20;

struct HeadWidths {
    std::uint32_t key = 0;
    std::uint32_t value = 0;
};

HeadWidths full_widths(const ModelKeys& keys, const ModelShape& shape) {
    const std::uint32_t heads = shape.layers.front().heads; // llama.cpp looks at the first layer too
    if (heads == 0)
        return {};
    const std::uint32_t usual = shape.embedding_length / heads;
    return {keys.number("attention.key_length", usual, widest_head),
            keys.number("attention.value_length", usual, widest_head)};
}

HeadWidths sliding_widths(const ModelKeys& keys, HeadWidths full) {
    return {keys.number("attention.key_length_swa", full.key, widest_head),
            keys.number("attention.value_length_swa", full.value, widest_head)};
}

bool caches_compressed(const ModelKeys& keys) {
    return keys.number("attention.key_length_mla", 0) != 0 &&
           keys.number("attention.value_length_mla", 0) != 0;
}

std::uint32_t row(const ModelKeys& keys, std::uint32_t heads, std::uint32_t width) {
    const std::uint64_t elements = std::uint64_t{heads} * width;
    if (elements > widest_row)
        throw Error(ErrorCode::model_invalid,
                    fmt::format("bad GGUF: {} heads of {} for keys or values ('{}') are too many", heads,
                                width, keys.architecture()));
    return static_cast<std::uint32_t>(elements);
}

void read_heads(const ModelKeys& keys, ModelShape& shape) {
    const auto heads = keys.per_layer("attention.head_count", 0);
    auto kv_heads = heads;
    if (keys.has("attention.head_count_kv"))
        kv_heads = keys.per_layer("attention.head_count_kv", 0);
    for (std::size_t i = 0; i < shape.layers.size(); ++i) {
        shape.layers[i].heads = heads[i];
        shape.layers[i].kv_heads = kv_heads[i];
    }
}

std::size_t trunk(const ModelShape& shape) {
    return static_cast<std::size_t>(std::ranges::count(shape.layers, false, &LayerShape::prediction));
}

void read_windows(const ModelKeys& keys, const Architecture& architecture, ModelShape& shape) {
    const std::uint32_t stated = keys.number("attention.sliding_window", 0);
    if (architecture.window == WindowRule::never ||
        (architecture.window == WindowRule::present && stated == 0))
        return;
    shape.sliding_window = stated != 0 ? stated : architecture.window_tokens;
    const std::size_t layers = trunk(shape);
    if (const auto flags = keys.flags("attention.sliding_window_pattern")) {
        for (std::size_t i = 0; i < shape.layers.size(); ++i)
            shape.layers[i].sliding = (*flags)[i];
        return;
    }
    const std::uint32_t period = keys.number("attention.sliding_window_pattern", architecture.window_period);
    for (std::size_t i = 0; i < layers; ++i)
        shape.layers[i].sliding = period == 0 || i % period != period - 1;
}

void read_caches(const ModelKeys& keys, const Architecture& architecture, ModelShape& shape) {
    const HeadWidths full = full_widths(keys, shape);
    const HeadWidths sliding = sliding_widths(keys, full);
    shape.key_length = full.key;
    shape.value_length = full.value;
    const bool compressed = caches_compressed(keys);
    const bool caches = architecture.cache == CacheKind::attention || architecture.cache == CacheKind::hybrid;
    for (LayerShape& layer : shape.layers) {
        if (!caches || layer.prediction)
            continue;
        const HeadWidths& width = layer.sliding ? sliding : full;
        layer.key_row = row(keys, layer.kv_heads, width.key);
        layer.value_row = compressed ? 0 : row(keys, layer.kv_heads, width.value);
    }
}

void read_shared_caches(const ModelKeys& keys, const Architecture& architecture, ModelShape& shape) {
    std::uint32_t owners = architecture.caching_layers;
    if (owners == 0) {
        const std::uint32_t sharing = keys.number("attention.shared_kv_layers", 0);
        owners = keys.layers() - std::min(sharing, keys.layers());
    }
    for (std::size_t i = owners; i < shape.layers.size(); ++i)
        shape.layers[i].shares_cache = true;
}

/// The dimensions of a state space layer.
struct StateSpace {
    std::uint64_t kernel = 0;
    std::uint64_t inner = 0;
    std::uint64_t state = 0;
    std::uint64_t groups = 0;
    std::uint64_t heads = 0;

    explicit StateSpace(const ModelKeys& keys)
        : kernel(keys.number("ssm.conv_kernel", 0, most_state >> 8)),
          inner(keys.number("ssm.inner_size", 0, most_state)),
          state(keys.number("ssm.state_size", 0, most_state >> 4)),
          groups(keys.number("ssm.group_count", 0, most_state >> 8)),
          heads(keys.number("ssm.time_step_rank", 0, most_state)) {}
    /// Of the convolution.
    std::uint64_t channels() const { return inner + 2 * groups * state; }
};

/// F32 elements of one sequence's state in a recurrent layer.
std::uint64_t state_elements(const ModelKeys& keys, const StateSpace& space, const ModelShape& shape) {
    if (const std::uint64_t length = keys.number("shortconv.l_cache", 0, most_state); length > 0)
        return shape.embedding_length * (length - 1);
    return (space.kernel > 0 ? space.kernel - 1 : 0) * space.channels() + space.state * space.inner;
}

/// Elements for one token that live at the widest point of a recurrent layer: fitted to the engine's dry run.
std::uint64_t mixer_elements(Mixer mixer, const StateSpace& space, const ModelShape& shape) {
    switch (mixer) {
    case Mixer::narrow:
        return 0;
    case Mixer::mamba:
        return space.inner * 13 / 2;
    case Mixer::mamba2:
        return 8 * space.inner + 4 * space.groups * space.state + space.heads;
    case Mixer::delta_net:
        return 3 * (space.channels() + shape.embedding_length + space.state);
    }
    std::unreachable();
}

std::vector<bool> recurrent_layers(const ModelKeys& keys, const Architecture& architecture,
                                   const ModelShape& shape) {
    const std::size_t count = trunk(shape);
    const bool by_interval = architecture.state == StateRule::by_interval;
    if (const auto flags = keys.flags("attention.recurrent_layers"); flags && by_interval)
        return *flags;
    const std::uint32_t interval = std::max(1U, keys.number("full_attention_interval", 4));
    std::vector<bool> recurrent(shape.layers.size(), false);
    for (std::size_t i = 0; i < count; ++i)
        recurrent[i] = by_interval
                           ? (i + 1) % interval != 0
                           : architecture.cache == CacheKind::recurrent || shape.layers[i].kv_heads == 0;
    return recurrent;
}

void read_states(const ModelKeys& keys, const Architecture& architecture, ModelShape& shape) {
    if (architecture.cache != CacheKind::recurrent && architecture.cache != CacheKind::hybrid)
        return;
    const StateSpace space(keys);
    const std::uint64_t bytes = state_elements(keys, space, shape) * sizeof(float);
    shape.mixer_row = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(mixer_elements(architecture.mixer, space, shape), UINT32_MAX));
    const std::vector<bool> recurrent = recurrent_layers(keys, architecture, shape);
    for (std::size_t i = 0; i < shape.layers.size(); ++i) {
        LayerShape& layer = shape.layers[i];
        if (!recurrent[i])
            continue;
        layer.state_bytes = bytes;
        layer.kv_heads = layer.key_row = layer.value_row = 0;
        layer.sliding = false;
    }
}

} // namespace

void read_layers(const ModelKeys& keys, const Architecture* architecture, ModelShape& shape) {
    shape.layers.resize(keys.layers());
    const std::uint32_t predictions = keys.number("nextn_predict_layers", 0, keys.layers());
    for (std::size_t i = keys.layers() - predictions; i < keys.layers(); ++i)
        shape.layers[i].prediction = true;
    read_heads(keys, shape);
    if (architecture == nullptr)
        return;
    read_windows(keys, *architecture, shape);
    read_caches(keys, *architecture, shape);
    read_shared_caches(keys, *architecture, shape);
    read_states(keys, *architecture, shape);
}

} // namespace hearth::registry::gguf
