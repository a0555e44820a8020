#include "daemon/planning/load_choice.hpp"

#include "base/config.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "runtime/memory/plan_json.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace hearth::daemon {

namespace memory = runtime::memory;

namespace {

constexpr std::size_t most_offers = 3;

/// What the choice takes of each device; one that shares the host's memory is the host's.
runtime::DeviceBytes bytes_by_device(const memory::Choice& choice, const memory::Machine& machine) {
    runtime::DeviceBytes bytes;
    for (const memory::DeviceBytes& device : choice.memory.devices) {
        const auto found = std::ranges::find(machine.accelerators, device.id, &memory::Device::id);
        const bool own = found != machine.accelerators.end() && !found->unified;
        const std::uint64_t fixed = device.id == machine.host.id ? machine.host.fixed_bytes
                                    : own                        ? found->fixed_bytes
                                                                 : 0;
        const std::uint64_t taken = device.total() + device.output;
        if (taken > 0 || device.id == machine.host.id) {
            bytes[own ? device.id : machine.host.id] += taken + fixed;
        }
    }
    return bytes;
}

/// What the llama backend may keep beside its caches: two copies for each sequence of what cannot be rolled back, the
/// recurrent state and the sliding windows. They come with long conversations, so they are reserved and not reported.
std::uint64_t checkpoint_bytes(const registry::ModelShape& shape, const memory::EstimateOptions& options) {
    constexpr std::uint64_t checkpoints = 2;
    registry::ModelShape kept = shape;
    std::uint64_t state = 0;
    for (registry::LayerShape& layer : kept.layers) {
        state += layer.state_bytes;
        layer.shares_cache = layer.shares_cache || !layer.sliding;
    }
    const auto sequences = static_cast<std::uint64_t>(options.parallel);
    return checkpoints * (state * sequences + memory::estimate_kv_cache(kept, options));
}

/// The options of `hearth run` and `load` that ask for this.
std::string as_options(const memory::Choice& choice) {
    std::string text = fmt::format("--ctx {}", choice.options.context);
    if (choice.options.kv_type != memory::CacheType::f16) {
        text += fmt::format(" --kv {}", memory::cache_type_name(choice.options.kv_type));
    }
    return text + fmt::format(" --parallel {} ({}, {})", choice.options.parallel, choice.quant,
                              format_bytes(choice.memory.total_bytes()));
}

std::string needs(const memory::Plan& plan, const memory::Machine& machine) {
    std::uint64_t least = 0;
    for (const memory::Choice& choice : plan.choices) {
        const std::uint64_t total = choice.memory.total_bytes();
        least = least == 0 ? total : std::min(least, total);
    }
    std::uint64_t budget = machine.host.budget_bytes();
    for (const memory::Device& device : machine.accelerators) {
        budget += device.unified ? 0 : device.budget_bytes();
    }
    return fmt::format("needs {}, {} can be had", least == 0 ? "more memory" : format_bytes(least),
                       format_bytes(budget));
}

} // namespace

std::string describe(const memory::Choice& choice) {
    const std::string parallel =
        choice.options.parallel > 1 ? fmt::format(" x {}", choice.options.parallel) : "";
    const std::string cache =
        choice.options.kv_type == memory::CacheType::f16
            ? ""
            : fmt::format(", {} cache", memory::cache_type_name(choice.options.kv_type));
    return fmt::format("{}, {} tokens{}{}, {}, {}", choice.quant, choice.options.context, parallel, cache,
                       choice.placement, format_bytes(choice.memory.total_bytes()));
}

runtime::LoadPlan to_load_plan(const memory::Choice& choice, const registry::ModelShape& shape,
                               const memory::Machine& machine) {
    runtime::LoadPlan plan;
    std::vector<std::string> accelerators;
    accelerators.reserve(machine.accelerators.size());
    for (const memory::Device& device : machine.accelerators) {
        accelerators.push_back(device.id);
    }
    runtime::apply_plan(plan.spec, choice.options, choice.layers, accelerators);
    plan.spec.threads = choice.threads;
    plan.choice_json = to_text(memory::choice_json(choice, machine));
    plan.accelerator_bytes = bytes_by_device(choice, machine);
    plan.host_bytes =
        std::exchange(plan.accelerator_bytes[machine.host.id], 0) + checkpoint_bytes(shape, choice.options);
    plan.accelerator_bytes.erase(machine.host.id);
    for (const memory::Device& device : machine.accelerators) {
        if (!device.unified) {
            plan.accelerator_room[device.id] =
                device.free_bytes - std::min(device.free_bytes, device.margin_bytes);
        }
    }
    plan.reload = std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(choice.load_seconds));
    plan.text = describe(choice);
    return plan;
}

memory::Wishes to_wishes(const runtime::LoadOptions& options) {
    memory::Wishes wishes;
    if (options.context_tokens) {
        wishes.context = static_cast<std::uint64_t>(*options.context_tokens);
    }
    wishes.parallel = options.parallel;
    wishes.kv_type = options.kv_type;
    wishes.load_mode = options.load_mode;
    wishes.unified = options.unified;
    wishes.gpu_layers = options.gpu_layers;
    wishes.embeddings = options.embeddings;
    wishes.force = options.force;
    return wishes;
}

void refuse(const std::string& model, const memory::Plan& plan, const memory::Machine& machine) {
    std::vector<std::string> offers;
    for (const memory::Choice& choice : plan.nearest) {
        if (offers.size() < most_offers) {
            offers.push_back(as_options(choice));
        }
    }
    std::string hint = offers.empty() ? plan.advice : fmt::format("fits: {}", fmt::join(offers, "; "));
    hint += hint.empty() ? "" : "; ";
    throw Error(ErrorCode::memory_insufficient, fmt::format("{} {}", model, needs(plan, machine)),
                hint + "--force loads it all the same");
}

} // namespace hearth::daemon
