#include "runtime/memory/layer_map.hpp"

#include <algorithm>
#include <numeric>

namespace hearth::runtime::memory {
namespace {

/// Bytes of one cached element; block scales counted. Source: memory.md 2.3.
double cache_element_bytes(CacheType type) noexcept {
    switch (type) {
    case CacheType::f32:
        return 4;
    case CacheType::f16:
    case CacheType::bf16:
        return 2;
    case CacheType::q8_0:
        return 1.0625;
    case CacheType::q5_1:
        return 0.75;
    case CacheType::q5_0:
        return 0.6875;
    case CacheType::q4_1:
        return 0.625;
    case CacheType::q4_0:
    case CacheType::iq4_nl:
        return 0.5625;
    }
    return 2;
}

/// The accelerator of the offloaded layer number `index` of `count`.
int accelerator_of(const std::vector<double>& split, std::size_t index, std::size_t count) {
    const double sum = std::accumulate(split.begin(), split.end(), 0.0);
    if (sum <= 0) {
        return 0;
    }
    double reached = 0;
    const double position = static_cast<double>(index) / static_cast<double>(count);
    for (std::size_t device = 0; device < split.size(); ++device) {
        reached += split[device];
        if (position < reached / sum) {
            return static_cast<int>(device);
        }
    }
    return static_cast<int>(split.size()) - 1;
}

} // namespace

std::vector<LayerPlace> layer_places(const registry::ModelShape& shape, const Placement& placement) {
    const std::size_t slots = shape.layers.size() + 1;
    const std::size_t offloaded =
        std::min(slots, static_cast<std::size_t>(std::max(placement.gpu_layers, 0)));
    std::vector<LayerPlace> places(slots);
    for (std::size_t i = 0; i < offloaded; ++i) {
        LayerPlace& place = places[slots - offloaded + i];
        place.layer = accelerator_of(placement.split, i, offloaded);
        const bool experts_stay = i < static_cast<std::size_t>(std::max(placement.expert_layers_on_host, 0));
        place.experts = experts_stay ? host_device : place.layer;
    }
    return places;
}

std::uint64_t output_layer_bytes(const registry::ModelShape& shape) noexcept {
    return (shape.output_bytes > 0 ? shape.output_bytes
            : shape.tied_output    ? shape.input_bytes
                                   : 0) +
           shape.other_bytes;
}

double cache_read_bytes(const registry::ModelShape& shape, const registry::LayerShape& layer, CacheType type,
                        std::uint64_t position) noexcept {
    if (layer.prediction) {
        return 0;
    }
    const std::uint64_t window = layer.sliding && shape.sliding_window > 0 ? shape.sliding_window : position;
    const double elements = static_cast<double>(layer.key_row) + static_cast<double>(layer.value_row);
    return elements * static_cast<double>(std::min(position, window)) * cache_element_bytes(type);
}

double active_experts(const registry::ModelShape& shape) noexcept {
    if (shape.experts == 0) {
        return 1;
    }
    return std::min(1.0, static_cast<double>(shape.experts_used) / static_cast<double>(shape.experts));
}

} // namespace hearth::runtime::memory
