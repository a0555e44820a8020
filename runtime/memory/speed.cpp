#include "runtime/memory/budget.hpp"
#include "runtime/memory/fit.hpp"
#include "runtime/memory/kv_cache.hpp"
#include "runtime/memory/layer_map.hpp"

#include <algorithm>
#include <array>

// expect_speed: a token costs the bytes that are read for it.
namespace hearth::runtime::memory {
namespace {

struct TypeEfficiency {
    std::string_view type;
    double share; ///< of the bandwidth that F16 reaches
};
/// What unpacking leaves of the bandwidth. From llama.cpp's tokens per second of one 8B model on one GPU, by
/// quantization (memory.md 4.5), taken apart into the tensor types of each mixture. The old formats and the FP4 have
/// no figure of their own: Q4_K_M's.
constexpr std::array<TypeEfficiency, 27> efficiencies{{
    {"F32", 1.0},    {"F16", 1.0},     {"BF16", 1.0},   {"Q8_0", .93},  {"Q6_K", .83},  {"Q5_K", .82},
    {"Q5_0", .755},  {"Q5_1", .755},   {"Q4_K", .73},   {"Q4_0", .755}, {"Q4_1", .755}, {"IQ4_NL", .74},
    {"IQ4_XS", .73}, {"MXFP4", .755},  {"NVFP4", .755}, {"Q3_K", .56},  {"IQ3_S", .54}, {"IQ3_XXS", .52},
    {"Q2_K", .50},   {"IQ2_XXS", .40}, {"IQ2_XS", .41}, {"IQ2_S", .44}, {"IQ1_S", .35}, {"IQ1_M", .35},
    {"TQ1_0", .40},  {"TQ2_0", .45},   {"Q2_0", .45},
}};
constexpr double usual_efficiency = .7; // of a type without a figure

double efficiency_of(std::string_view type) {
    const auto found = std::ranges::find(efficiencies, type, &TypeEfficiency::type);
    return found == efficiencies.end() ? usual_efficiency : found->share;
}

/// What a whole token reaches of what one long read does: GPUs and CPUs with four cores or more are bound by
/// memory, fewer cores by arithmetic (memory.md 4.5).
double sustained_share(const Device& device, int cores) {
    constexpr int enough_cores = 4;
    return device.kind == DeviceKind::cpu && cores < enough_cores ? .6 : .8;
}

/// Bytes per second of weights of one type. A measured product is never quicker than the memory behind it.
double type_rate(const Device& device, std::string_view type, int cores) {
    const auto measured = device.throughput.find(std::string(type));
    if (measured != device.throughput.end() && measured->second > 0) {
        return device.bandwidth > 0 ? std::min(measured->second, device.bandwidth) : measured->second;
    }
    return device.bandwidth * efficiency_of(type) * sustained_share(device, cores);
}

/// Bytes per second over the model's mixture of types; 0: not known.
double mixture_rate(const registry::ModelShape& shape, const Device& device, int cores) {
    double bytes = 0;
    double seconds = 0;
    for (const registry::TypeBytes& part : shape.types) {
        const double rate = type_rate(device, part.type, cores);
        if (rate <= 0) {
            return 0;
        }
        bytes += static_cast<double>(part.bytes);
        seconds += static_cast<double>(part.bytes) / rate;
    }
    return bytes > 0 && seconds > 0 ? bytes / seconds : type_rate(device, shape.quantization, cores);
}

/// One sequence, half full: what a token in the middle of a conversation reads.
EstimateOptions half_full(const EstimateOptions& options) {
    EstimateOptions half = options;
    half.context = std::max<std::uint64_t>(options.context / 2, 1);
    half.parallel = 1;
    return half;
}

/// Bytes read for one token, by device: the host first, then the accelerators of the choice.
std::vector<double> token_bytes(const registry::ModelShape& shape, const Choice& choice,
                                std::size_t accelerators) {
    std::vector<double> bytes(accelerators + 1);
    const EstimateOptions options = half_full(choice.options);
    const Batch batch = make_batch(shape, options);
    const std::vector<LayerPlace> places = layer_places(shape, choice.layers, accelerators);
    for (std::size_t i = 0; i < shape.layers.size(); ++i) {
        registry::LayerShape layer = shape.layers[i];
        if (layer.prediction) {
            continue;
        }
        layer.shares_cache = false; // it reads what another owns
        bytes[places[i].layer] +=
            static_cast<double>(layer.dense_bytes + layer_cache_bytes(shape, layer, options, batch) +
                                layer_state_bytes(layer, batch));
        bytes[places[i].experts] += static_cast<double>(layer.expert_bytes) * active_experts(shape);
    }
    bytes[places.back().layer] += static_cast<double>(output_layer_bytes(shape));
    return bytes;
}

} // namespace

double expect_speed(const registry::ModelShape& shape, const Choice& choice, const Machine& machine) {
    const std::vector<DeviceBytes>& devices = choice.memory.devices;
    const std::size_t accelerators = devices.empty() ? 0 : devices.size() - 1;
    const std::vector<double> bytes = token_bytes(shape, choice, accelerators);
    double seconds = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (bytes[i] <= 0) {
            continue;
        }
        const Device* device = i == 0 ? &machine.host : find_device(machine, devices[i].id);
        const double rate = device == nullptr ? 0 : mixture_rate(shape, *device, machine.cores);
        if (rate <= 0) {
            return 0;
        }
        seconds += bytes[i] / rate;
    }
    return seconds > 0 ? 1 / seconds : 0;
}

double expect_load_seconds(const registry::ModelShape& shape, const Machine& machine) {
    constexpr double usual_disk_bandwidth = 1e9;
    const double rate = machine.disk_bandwidth > 0 ? machine.disk_bandwidth : usual_disk_bandwidth;
    return static_cast<double>(std::max(shape.file_bytes, shape.weight_bytes())) / rate;
}

} // namespace hearth::runtime::memory
