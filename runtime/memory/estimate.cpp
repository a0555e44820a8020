#include "runtime/memory/estimate.hpp"

#include "base/error.hpp"
#include "runtime/memory/batch.hpp"
#include "runtime/memory/compute.hpp"
#include "runtime/memory/kv_cache.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <numeric>

namespace hearth::runtime::memory {
namespace {

using registry::LayerShape;
using registry::ModelShape;

constexpr std::size_t host = 0;

/// Which device each layer lives on, as numbers into Estimate::devices; the output layer is the last.
/// Source: llama.cpp 0.5.0 src/llama-model.cpp (load_tensors: get_layer_buft_list).
class LayerDevices {
  public:
    LayerDevices(const ModelShape& shape, const Placement& placement, std::size_t accelerators)
        : devices_(shape.layers.size() + 1, host) {
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

    std::size_t of(std::size_t layer) const { return devices_[layer]; }
    std::size_t of_output() const { return devices_.back(); }
    std::size_t first_offloaded() const { return first_; }
    bool any_on(std::size_t device) const { return std::ranges::find(devices_, device) != devices_.end(); }

  private:
    /// Where each accelerator's share of the offloaded layers ends, 0 to 1.
    static std::vector<float> split_ends(const std::vector<double>& split, std::size_t accelerators) {
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

    std::vector<std::size_t> devices_;
    std::size_t first_ = devices_.size();
};

void check(const ModelShape& shape, const Placement& placement, std::size_t accelerators) {
    if (!shape.closed_form)
        throw Error(ErrorCode::unsupported,
                    fmt::format("the closed form does not know the architecture '{}'", shape.architecture),
                    "only the backend's own dry run can tell");
    const auto refuse = [](const std::string& text) { throw Error(ErrorCode::invalid_argument, text); };
    if (placement.gpu_layers < 0 || static_cast<std::size_t>(placement.gpu_layers) > shape.layers.size() + 1)
        refuse(fmt::format("{} layers on an accelerator; the model has {} and its output",
                           placement.gpu_layers, shape.layers.size()));
    if (placement.gpu_layers > 0 && accelerators == 0)
        refuse("layers on an accelerator, and none is named");
    if (placement.expert_layers_on_host < 0)
        refuse("a negative number of layers whose experts stay on the host");
    if (placement.split.empty() || accelerators == 0)
        return;
    const double sum = std::accumulate(placement.split.begin(), placement.split.end(), 0.0);
    const bool negative = std::ranges::any_of(placement.split, [](double share) { return !(share >= 0); });
    if (placement.split.size() != accelerators || negative || !(sum > 0))
        refuse("the split over accelerators needs a share for each, and one above 0");
}

void place_weights(const ModelShape& shape, const Placement& placement, const LayerDevices& where,
                   Estimate& estimate) {
    const auto weights = [&](std::size_t device) -> std::uint64_t& {
        return estimate.devices[device].weights;
    };
    const std::size_t experts_from = where.first_offloaded();
    const std::size_t experts_to = experts_from + static_cast<std::size_t>(placement.expert_layers_on_host);
    for (std::size_t i = 0; i < shape.layers.size(); ++i) {
        const LayerShape& layer = shape.layers[i];
        if (layer.prediction)
            continue; // not loaded
        const bool experts_on_host = i >= experts_from && i < experts_to;
        weights(where.of(i)) += layer.dense_bytes;
        weights(experts_on_host ? host : where.of(i)) += layer.expert_bytes;
    }
    weights(host) += shape.input_bytes;
    weights(where.of_output()) += shape.output_bytes + shape.other_bytes;
    if (shape.tied_output && where.of_output() != host)
        weights(where.of_output()) += shape.token_embedding_bytes; // the output's own copy
}

void place_caches(const ModelShape& shape, const EstimateOptions& options, const Batch& batch,
                  const LayerDevices& where, Estimate& estimate) {
    for (std::size_t i = 0; i < shape.layers.size(); ++i) {
        DeviceBytes& device = estimate.devices[where.of(i)];
        device.kv += layer_cache_bytes(shape, shape.layers[i], options, batch);
        device.state += layer_state_bytes(shape.layers[i], batch);
    }
}

/// The host computes what lives there; with everything elsewhere it still prepares the inputs.
void place_compute(const ModelShape& shape, const EstimateOptions& options, const Placement& placement,
                   const Batch& batch, const LayerDevices& where, Estimate& estimate) {
    const std::uint64_t full = compute_bytes(shape, options, batch);
    bool host_computes = placement.expert_layers_on_host > 0;
    for (std::size_t i = 0; i <= shape.layers.size(); ++i)
        host_computes = host_computes || where.of(i) == host;
    estimate.devices[host].compute = host_computes ? full : input_bytes(shape, options, batch);
    for (std::size_t device = 1; device < estimate.devices.size(); ++device)
        if (where.any_on(device))
            estimate.devices[device].compute = full;
}

/// Types for which ggml's CPU backend has a layout of its own on x86-64 with AVX2.
constexpr auto repacked_types = std::to_array<std::string_view>({"Q4_0", "Q4_K", "IQ4_NL", "MXFP4"});

void split_host_weights(const ModelShape& shape, const EstimateOptions& options, Estimate& estimate) {
    DeviceBytes& device = estimate.devices[host];
    if (options.load_mode == LoadMode::read)
        return;
    std::uint64_t all = 0;
    std::uint64_t packed = 0;
    for (const registry::TypeBytes& type : shape.types) {
        all += type.bytes;
        if (std::ranges::find(repacked_types, type.type) != repacked_types.end())
            packed += type.bytes;
    }
    if (options.load_mode == LoadMode::repack && all > 0) { // tables that are only looked up stay as they are
        const std::uint64_t matrices = device.weights - std::min(device.weights, shape.input_bytes);
        device.repacked = static_cast<std::uint64_t>(static_cast<double>(matrices) *
                                                     static_cast<double>(packed) / static_cast<double>(all));
    }
    device.mapped = device.weights - device.repacked;
}

} // namespace

Estimate estimate(const ModelShape& shape, const EstimateOptions& options, const Placement& placement,
                  const std::vector<std::string>& accelerators) {
    check(shape, placement, accelerators.size());
    if (is_quantized(options.kv_type) && !options.flash_attention)
        throw Error(ErrorCode::invalid_argument, "a quantized cache needs flash attention");
    const Batch batch = make_batch(shape, options);
    const LayerDevices where(shape, placement, accelerators.size());
    Estimate estimate;
    estimate.devices.push_back({.id = "cpu"});
    for (const std::string& id : accelerators)
        estimate.devices.push_back({.id = id});
    place_weights(shape, placement, where, estimate);
    place_caches(shape, options, batch, where, estimate);
    place_compute(shape, options, placement, batch, where, estimate);
    split_host_weights(shape, options, estimate);
    const std::uint64_t scores = shape.causal ? shape.vocabulary : 0;
    estimate.devices[host].output =
        batch.sequences * 4 * (scores + (batch.embeds ? shape.embedding_length : 0));
    return estimate;
}

std::uint64_t estimate_kv_cache(const ModelShape& shape, const EstimateOptions& options) {
    const Batch batch = make_batch(shape, options);
    std::uint64_t bytes = 0;
    for (const LayerShape& layer : shape.layers)
        bytes += layer_cache_bytes(shape, layer, options, batch);
    return bytes;
}

std::uint64_t naive_bytes(const ModelShape& shape, std::uint64_t context_total) {
    if (shape.layers.empty())
        return shape.file_bytes;
    const LayerShape& first = shape.layers.front();
    const std::uint64_t head = first.heads == 0 ? 0 : shape.embedding_length / first.heads;
    return shape.file_bytes + 2 * shape.layers.size() * first.kv_heads * head * context_total * 2;
}

} // namespace hearth::runtime::memory
