#pragma once

#include "registry/model_shape.hpp"
#include "runtime/memory/batch.hpp"
#include "runtime/memory/estimate.hpp"

#include <cstddef>
#include <vector>

namespace hearth::runtime::memory {

inline constexpr std::size_t host = 0; ///< in Estimate::devices

/// Which device each layer lives on, as numbers into Estimate::devices; the output layer is one more.
/// Source: llama.cpp 0.5.0 src/llama-model.cpp (load_tensors: get_layer_buft_list).
class LayerDevices {
  public:
    LayerDevices(const registry::ModelShape& shape, const Placement& placement, std::size_t accelerators);

    std::size_t of(std::size_t layer) const { return devices_[layer]; }
    std::size_t of_output() const { return devices_.back(); }
    std::size_t first_offloaded() const { return first_; } ///< one past the output when there is none
    bool any_on(std::size_t device) const;
    /// Every layer and the output are on accelerators.
    bool all_offloaded() const { return first_ == 0; }
    bool none_offloaded() const { return first_ == devices_.size(); }

  private:
    std::vector<std::size_t> devices_;
    std::size_t first_;
};

/// The embeddings stay on the host; the output goes with the last layer, with a copy of its own when tied.
void place_weights(const registry::ModelShape& shape, const Placement& placement, const LayerDevices& where,
                   Estimate& estimate);

void place_caches(const registry::ModelShape& shape, const EstimateOptions& options, const Batch& batch,
                  const LayerDevices& where, Estimate& estimate);

/// A long prompt is computed on an accelerator also for weights that lie on the host, unless those are repacked: they
/// are copied over one matrix at a time.
void place_compute(const registry::ModelShape& shape, const EstimateOptions& options,
                   const Placement& placement, const Batch& batch, const LayerDevices& where,
                   Estimate& estimate);

} // namespace hearth::runtime::memory
