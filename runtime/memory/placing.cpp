#include "runtime/memory/placing.hpp"

#include "runtime/memory/compute.hpp"
#include "runtime/memory/kv_cache.hpp"

#include <algorithm>

namespace hearth::runtime::memory {
namespace {

using registry::LayerShape;
using registry::ModelShape;

/// Where each accelerator's share of the offloaded layers ends, 0 to 1.
std::vector<float> split_ends(const std::vector<double>& split, std::size_t accelerators) {
    std::vector<float> ends(accelerators, 1.0F); // all on the first
    if (split.empty())
        return ends;
    float sum = 0;
    for (std::size_t i = 0; i < accelerators; ++i)
        ends[i] = sum += static_cast<float>(split[i]);
    for (float& end : ends)
        end /= sum;
    return ends;
}

bool keeps_experts_on_host(const Placement& placement, const LayerDevices& where, std::size_t layer) {
    return layer >= where.first_offloaded() &&
           layer - where.first_offloaded() < static_cast<std::size_t>(placement.expert_layers_on_host);
}

/// The most that an accelerator needs to compute a layer whose weights lie on the host.
std::uint64_t widest_copy(const ModelShape& shape, const EstimateOptions& options, const Placement& placement,
                          const Batch& batch, const LayerDevices& where) {
    std::uint64_t widest = 0;
    for (std::size_t i = 0; i < shape.layers.size(); ++i) {
        const bool experts = keeps_experts_on_host(placement, where, i);
        if (where.of(i) == host || experts)
            widest = std::max(widest, copied_layer_bytes(shape, shape.layers[i], options, batch, experts));
    }
    return widest;
}

} // namespace

LayerDevices::LayerDevices(const ModelShape& shape, const Placement& placement, std::size_t accelerators)
    : devices_(shape.layers.size() + 1, host), first_(devices_.size()) {
    if (accelerators == 0)
        return;
    const std::vector<float> ends = split_ends(placement.split, accelerators);
    const auto offloaded = static_cast<std::size_t>(placement.gpu_layers);
    first_ = devices_.size() - offloaded;
    for (std::size_t i = first_; i < devices_.size(); ++i) {
        const float share = static_cast<float>(i - first_) / static_cast<float>(offloaded);
        const auto end = std::ranges::upper_bound(ends, share);
        devices_[i] = 1 + static_cast<std::size_t>(std::min(end, ends.end() - 1) - ends.begin());
    }
}

bool LayerDevices::any_on(std::size_t device) const {
    return std::ranges::find(devices_, device) != devices_.end();
}

void place_weights(const ModelShape& shape, const Placement& placement, const LayerDevices& where,
                   Estimate& estimate) {
    const auto weights = [&](std::size_t device) -> std::uint64_t& {
        return estimate.devices[device].weights;
    };
    for (std::size_t i = 0; i < shape.layers.size(); ++i) {
        const LayerShape& layer = shape.layers[i];
        if (layer.prediction)
            continue; // not loaded
        weights(where.of(i)) += layer.dense_bytes;
        weights(keeps_experts_on_host(placement, where, i) ? host : where.of(i)) += layer.expert_bytes;
    }
    weights(host) += shape.input_bytes;
    weights(where.of_output()) += shape.output_bytes + shape.other_bytes;
    if (shape.tied_output && where.of_output() != host)
        weights(where.of_output()) += shape.token_embedding_bytes;
}

void place_caches(const ModelShape& shape, const EstimateOptions& options, const Batch& batch,
                  const LayerDevices& where, Estimate& estimate) {
    for (std::size_t i = 0; i < shape.layers.size(); ++i) {
        DeviceBytes& device = estimate.devices[where.of(i)];
        device.kv += layer_cache_bytes(shape, shape.layers[i], options, batch);
        device.state += layer_state_bytes(shape.layers[i], batch);
    }
}

void place_compute(const ModelShape& shape, const EstimateOptions& options, const Placement& placement,
                   const Batch& batch, const LayerDevices& where, Estimate& estimate) {
    const std::uint64_t full = compute_bytes(shape, options, batch);
    DeviceBytes& host_bytes = estimate.devices[host];
    host_bytes.compute = full;
    if (where.none_offloaded())
        return;
    const bool whole = where.all_offloaded() && placement.expert_layers_on_host == 0;
    std::uint64_t used = 0;
    for (std::size_t device = 1; device < estimate.devices.size(); ++device)
        used += where.any_on(device) ? 1 : 0;
    const std::uint64_t copies = whole && used > 1 ? 4 : 1; // of what comes in, so that devices work in turn
    const std::uint64_t masks = mask_bytes(shape, options, batch);
    const bool copied = !whole && options.load_mode != LoadMode::repack;
    if (whole || copied)
        host_bytes.compute = copies * masks + row_bytes(shape, batch, 2);
    // The embedded tokens come from the host and are not computed here.
    const std::uint64_t layers = full - std::min(full, row_bytes(shape, batch, 1));
    const std::uint64_t widest =
        std::max(layers, copied ? widest_copy(shape, options, placement, batch, where) : 0);
    std::uint64_t rows = copies > 1 ? copies : 0;
    for (std::size_t device = 1; device < estimate.devices.size(); ++device)
        if (where.any_on(device)) {
            estimate.devices[device].compute = widest + (copies - 1) * masks + row_bytes(shape, batch, rows);
            rows = copies > 1 ? 2 * copies : 0; // from the device before comes more
        }
}

} // namespace hearth::runtime::memory
