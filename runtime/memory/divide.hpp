#pragma once

#include "runtime/memory/device.hpp"
#include "runtime/memory/estimate.hpp"

#include <cstddef>
#include <vector>

/// Dividing offloaded layers among several accelerators.
namespace hearth::runtime::memory {

/// The bytes that each offloaded slot (blocks in order, the output layer last) brings to its device:
/// weights, cache and state.
std::vector<double> slot_bytes(const registry::ModelShape& shape, const EstimateOptions& options,
                               const Placement& placement);

/// What each accelerator has for layers: its budget without what it holds beside them in `memory`.
std::vector<double> rooms_for_layers(const Estimate& memory, const Placement& placement,
                                     const std::vector<double>& slots, const Machine& machine);

/// As many layers on each device, whatever their bytes.
std::vector<double> divide_evenly(std::size_t slots, std::size_t devices);

/// As many as fit on the first, then on the next; what is left goes to the last.
std::vector<double> fill_in_order(const std::vector<double>& slots, const std::vector<double>& rooms);

/// Layers per accelerator, whole numbers, in order, so that the fullest is as little full as can be: the shares
/// that llama.cpp turns back into the same numbers. As `fill_in_order` when it does not fit.
std::vector<double> divide(const std::vector<double>& slots, const std::vector<double>& rooms);

} // namespace hearth::runtime::memory
