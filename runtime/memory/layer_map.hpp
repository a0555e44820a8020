#pragma once

#include "runtime/memory/estimate.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

/// Which device each layer and its experts are on: what placement and speed both need.
namespace hearth::runtime::memory {

/// Numbers into Estimate::devices.
struct LayerPlace {
    std::size_t layer = 0;
    std::size_t experts = 0; ///< of its routed experts
};

/// By the engine's rule (placing.hpp). The last element is the output layer.
/// @param accelerators  how many there are; 0: all on the host
std::vector<LayerPlace> layer_places(const registry::ModelShape& shape, const Placement& placement,
                                     std::size_t accelerators);

/// Bytes that the output layer reads and, with its device, holds: a matrix of its own or the input's again.
std::uint64_t output_layer_bytes(const registry::ModelShape& shape) noexcept;

/// Share of the routed experts that one token uses.
double active_experts(const registry::ModelShape& shape) noexcept;

} // namespace hearth::runtime::memory
