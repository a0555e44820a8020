#include "runtime/memory/reasons.hpp"

#include "base/config.hpp"

#include <fmt/format.h>

namespace hearth::runtime::memory {

std::string lacks_text(const std::vector<Shortage>& lacks) {
    std::string text;
    for (const Shortage& lack : lacks) {
        text += fmt::format("{}{} more on {}", text.empty() ? "needs " : " and ", format_bytes(lack.bytes),
                            lack.id);
    }
    return text;
}

std::string placement_text(const Choice& choice, std::size_t slots) {
    if (choice.placement == "gpu") {
        return "whole on the GPU";
    }
    if (choice.placement == "gpus") {
        return fmt::format("whole on {} GPUs", choice.memory.devices.size() - 1);
    }
    if (choice.placement == "experts on host") {
        return fmt::format("experts of {} layers in RAM, the rest on the GPU",
                           choice.layers.expert_layers_on_host);
    }
    if (choice.placement == "partial") {
        return fmt::format("{} of {} layers on the GPU", choice.layers.gpu_layers, slots);
    }
    return "on the CPU";
}

std::string context_text(const EstimateOptions& options) {
    std::string text = fmt::format("{} tokens", options.context);
    if (options.parallel > 1) {
        text += fmt::format(" for each of {} sequences", options.parallel);
    }
    if (options.kv_type != CacheType::f16) {
        text += fmt::format(" in a {} cache", cache_type_name(options.kv_type));
    }
    return text;
}

} // namespace hearth::runtime::memory
