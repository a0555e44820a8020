#include "runtime/memory/context_steps.hpp"

#include "base/error.hpp"
#include "runtime/memory/budget.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hearth::runtime::memory {
namespace {

constexpr std::uint64_t host_context = 8192;
constexpr std::uint64_t least_context = 4096; // of a plan that nobody asked to be smaller

struct ContextClass {
    std::uint64_t accelerator_bytes; ///< all of it, whatever is free now: a default should not wander
    std::uint64_t context;
};
constexpr std::uint64_t gibibyte = 1ull << 30;
constexpr ContextClass context_classes[] = {{20 * gibibyte, 32768}, {12 * gibibyte, 16384}};

std::uint64_t accelerator_bytes(const Wishes& wishes, const Machine& machine) {
    std::uint64_t bytes = 0;
    for (const Device& device : machine.accelerators) {
        const bool usable =
            wishes.device.empty() ? device.kind == DeviceKind::gpu : device.id == wishes.device;
        bytes += usable ? std::max(device.total_bytes, device.free_bytes) : 0;
    }
    return bytes;
}

std::uint64_t whole_context(const Wishes& wishes, const Machine& machine) {
    if (wishes.usual_context) {
        return *wishes.usual_context;
    }
    const std::uint64_t bytes = accelerator_bytes(wishes, machine);
    for (const ContextClass& size : context_classes) {
        if (bytes >= size.accelerator_bytes) {
            return size.context;
        }
    }
    return host_context;
}

std::vector<CacheType> cache_types(const registry::ModelShape& shape, const Wishes& wishes) {
    if (!wishes.kv_type) {
        std::vector<CacheType> types = {CacheType::f16};
        if (can_cache(shape, CacheType::q8_0)) {
            types.push_back(CacheType::q8_0);
        }
        return types;
    }
    if (!can_cache(shape, *wishes.kv_type)) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("this model's heads of {} cannot be kept as {}: a block has 32 elements",
                                shape.key_length, cache_type_name(*wishes.kv_type)),
                    "take f16");
    }
    return {*wishes.kv_type};
}

std::vector<Step> steps_at(std::uint64_t context, const registry::ModelShape& shape, const Wishes& wishes) {
    std::vector<Step> steps;
    for (const CacheType type : cache_types(shape, wishes)) {
        steps.push_back({.context = context, .kv_type = type});
    }
    return steps;
}

} // namespace

bool can_cache(const registry::ModelShape& shape, CacheType type) noexcept {
    constexpr std::uint32_t block_elements = 32; // of every quantized cache type
    const bool whole = type == CacheType::f32 || type == CacheType::f16 || type == CacheType::bf16;
    return whole || (shape.key_length % block_elements == 0 && shape.value_length % block_elements == 0);
}

Steps context_steps(const registry::ModelShape& shape, const Wishes& wishes, const Machine& machine) {
    const std::uint64_t trained = shape.context_trained == 0 ? UINT64_MAX : shape.context_trained;
    if (wishes.context) {
        const std::vector<Step> steps = steps_at(std::min(*wishes.context, trained), shape, wishes);
        return {.whole = steps, .mixed = steps, .last = std::nullopt};
    }
    const std::uint64_t host = std::min(wishes.usual_context.value_or(host_context), trained);
    const CacheType smallest = cache_types(shape, wishes).back();
    Steps steps{.whole = steps_at(std::min(whole_context(wishes, machine), trained), shape, wishes),
                .mixed = steps_at(host, shape, wishes),
                .last = Step{.context = std::min(least_context, host), .kv_type = smallest}};
    for (std::uint64_t context = steps.whole.front().context / 2; context >= host; context /= 2) {
        steps.whole.push_back({.context = context, .kv_type = smallest});
    }
    return steps;
}

LoadMode usual_load_mode(const registry::ModelShape& shape, const Machine& machine) {
    const std::string most = shape.types.empty() ? "" : shape.types.front().type;
    const bool quantized = !most.empty() && most != "F32" && most != "F16" && most != "BF16";
    return quantized && machine.accelerators.empty() ? LoadMode::repack : LoadMode::mmap;
}

EstimateOptions options_for(const registry::ModelShape& shape, const Wishes& wishes, const Machine& machine,
                            const Step& step, int parallel) {
    EstimateOptions options;
    options.context = step.context;
    options.kv_type = step.kv_type;
    options.parallel = parallel;
    options.unified = wishes.unified.value_or(true);
    options.load_mode = wishes.load_mode.value_or(usual_load_mode(shape, machine));
    options.embeddings = wishes.embeddings || shape.embeds;
    return options;
}

} // namespace hearth::runtime::memory
