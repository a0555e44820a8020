#include "runtime/memory/layer_map.hpp"

#include "runtime/memory/placing.hpp"

#include <algorithm>

namespace hearth::runtime::memory {

std::vector<LayerPlace> layer_places(const registry::ModelShape& shape, const Placement& placement,
                                     std::size_t accelerators) {
    const LayerDevices where(shape, placement, accelerators);
    const std::size_t experts_end =
        where.first_offloaded() + static_cast<std::size_t>(std::max(placement.expert_layers_on_host, 0));
    std::vector<LayerPlace> places(shape.layers.size() + 1);
    for (std::size_t i = 0; i < places.size(); ++i) {
        const bool experts_stay = i < experts_end; // what is not offloaded is on the host as a whole
        places[i] = {.layer = where.of(i), .experts = experts_stay ? host : where.of(i)};
    }
    return places;
}

std::uint64_t output_layer_bytes(const registry::ModelShape& shape) noexcept {
    const std::uint64_t tied =
        shape.token_embedding_bytes > 0 ? shape.token_embedding_bytes : shape.input_bytes;
    return (shape.output_bytes > 0 ? shape.output_bytes : shape.tied_output ? tied : 0) + shape.other_bytes;
}

double active_experts(const registry::ModelShape& shape) noexcept {
    if (shape.experts == 0) {
        return 1;
    }
    return std::min(1.0, static_cast<double>(shape.experts_used) / static_cast<double>(shape.experts));
}

} // namespace hearth::runtime::memory
