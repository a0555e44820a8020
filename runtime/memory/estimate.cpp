#include "runtime/memory/estimate.hpp"

#include "base/error.hpp"
#include "runtime/memory/batch.hpp"
#include "runtime/memory/kv_cache.hpp"
#include "runtime/memory/placing.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <numeric>

namespace hearth::runtime::memory {
namespace {

using registry::LayerShape;
using registry::ModelShape;

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

/// Types for which ggml's CPU backend has a layout of its own on x86-64 with AVX2.
constexpr auto repacked_types = std::to_array<std::string_view>({"Q4_0", "Q4_K", "IQ4_NL", "MXFP4"});

/// The looked-up table keeps its layout, so an output that shares it is there a second time, repacked. Which types a
/// CPU repacks only the engine knows: any quantized one is counted, rather too much than too little.
std::uint64_t second_table_bytes(const ModelShape& shape) {
    const std::uint64_t elements = std::uint64_t{shape.vocabulary} * shape.embedding_length;
    const bool quantized = shape.token_embedding_bytes < 2 * elements; // F16 has two bytes for each
    return shape.tied_output && quantized ? shape.token_embedding_bytes : 0;
}

void split_host_weights(const ModelShape& shape, const EstimateOptions& options, const Placement& placement,
                        Estimate& estimate) {
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
        const std::uint64_t second = placement.gpu_layers == 0 ? second_table_bytes(shape) : 0;
        device.repacked += second;
        device.weights += second;
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
    split_host_weights(shape, options, placement, estimate);
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
