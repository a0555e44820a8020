#pragma once

#include "runtime/memory/estimate.hpp"

#include <cstdint>
#include <vector>

/// What each layer holds and which device it is on: what placement and speed both need.
namespace hearth::runtime::memory {

/// Where one layer lives: `host_device`, or an index into the accelerators of a placement.
inline constexpr int host_device = -1;

struct LayerPlace {
    int layer = host_device;
    int experts = host_device; ///< of its routed experts
};

/// llama.cpp's rule: the last `gpu_layers` of blocks and output are offloaded, in order, by the shares of
/// `split`. The last element is the output layer.
/// Source: llama.cpp src/llama-model.cpp (get_layer_buft_list).
std::vector<LayerPlace> layer_places(const registry::ModelShape& shape, const Placement& placement);

/// Bytes that the output layer reads and, with its device, holds: a matrix of its own or the input's again.
std::uint64_t output_layer_bytes(const registry::ModelShape& shape) noexcept;

/// Bytes of cached keys and values of one sequence that a new token at `position` reads in this layer.
double cache_read_bytes(const registry::ModelShape& shape, const registry::LayerShape& layer, CacheType type,
                        std::uint64_t position) noexcept;

/// Share of the routed experts that one token uses.
double active_experts(const registry::ModelShape& shape) noexcept;

} // namespace hearth::runtime::memory
