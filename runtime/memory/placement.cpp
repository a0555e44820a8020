#include "runtime/memory/placement.hpp"

#include "base/error.hpp"
#include "runtime/memory/divide.hpp"
#include "runtime/memory/largest.hpp"
#include "runtime/memory/side_files.hpp"

#include <algorithm>
#include <utility>

namespace hearth::runtime::memory {
namespace {

Placement offload(int layers, int expert_layers_on_host = 0) {
    Placement placement;
    placement.gpu_layers = layers;
    placement.expert_layers_on_host = expert_layers_on_host;
    return placement;
}

std::vector<std::string> usable_accelerators(const Wishes& wishes, const Machine& machine) {
    const Device* wished = wishes.device.empty() ? nullptr : find_device(machine, wishes.device);
    if (!wishes.device.empty() && wished == nullptr) {
        throw Error(ErrorCode::invalid_argument, "there is no device \"" + wishes.device + "\"",
                    "`hearth devices` lists them");
    }
    const bool has_own_memory = std::ranges::any_of(machine.accelerators, [](const Device& device) {
        return device.kind == DeviceKind::gpu && !device.unified;
    });
    std::vector<std::string> ids;
    for (const Device& device : machine.accelerators) {
        // Beside a GPU with memory of its own, one that shares the host's adds none.
        const bool helps = device.kind == DeviceKind::gpu && !(device.unified && has_own_memory);
        if (wished == &device || (wished == nullptr && helps)) {
            ids.push_back(device.id);
        }
    }
    return ids;
}

} // namespace

const char* tier_name(Tier tier) noexcept {
    switch (tier) {
    case Tier::gpu:
        return "gpu";
    case Tier::gpus:
        return "gpus";
    case Tier::experts_on_host:
        return "experts on host";
    case Tier::partial:
        return "partial";
    case Tier::cpu:
        break;
    }
    return "cpu";
}

bool is_whole(Tier tier) noexcept {
    return tier == Tier::gpu || tier == Tier::gpus;
}

Placer::Placer(const Candidate& candidate, const Wishes& wishes, const Machine& machine,
               const Estimator& estimator)
    : candidate_(&candidate), wishes_(&wishes), machine_(&machine), estimator_(&estimator),
      usable_(usable_accelerators(wishes, machine)) {}

int Placer::slots() const noexcept {
    return static_cast<int>(candidate_->shape.layers.size()) + 1;
}

bool Placer::wants_host_only() const noexcept {
    return usable_.empty() || wishes_->gpu_layers == 0;
}

bool Placer::may_use_host_only() const noexcept {
    const bool wants_accelerator = !wishes_->device.empty() && !usable_.empty();
    return wishes_->gpu_layers.value_or(0) == 0 && !(wants_accelerator && wishes_->gpu_layers != 0);
}

Placed Placer::measure(Tier tier, Placement layers, Devices devices, const EstimateOptions& options) const {
    Placed placed;
    placed.tier = tier;
    placed.layers = std::move(layers);
    placed.accelerators = std::move(devices);
    placed.memory = (*estimator_)(candidate_->shape, options, placed.layers, placed.accelerators);
    add_side_files(placed.memory, *candidate_, placed.layers);
    placed.lacks = shortages(placed.memory, *machine_);
    return placed;
}

Placed Placer::measure_divided(Tier tier, Placement layers, const Devices& devices,
                               const EstimateOptions& options) const {
    if (devices.size() < 2) {
        return measure(tier, std::move(layers), devices, options);
    }
    const auto measured = [&](const std::vector<double>& split) {
        Placement divided = layers;
        divided.split = split;
        return measure(tier, std::move(divided), devices, options);
    };
    // Buffers that do not grow with the layers are only known for a placement; so the room for layers is
    // what the last try left, and each try is measured whole.
    const bool equal = std::ranges::all_of(devices, [&](const std::string& id) {
        return find_device(*machine_, id)->bandwidth == find_device(*machine_, devices.front())->bandwidth;
    });
    const std::vector<double> costs = slot_bytes(candidate_->shape, options, layers);
    const auto lacks = [&](const Placed& placed) { return accelerator_shortage(placed.memory, *machine_); };
    Placed placed = measured(divide_evenly(costs.size(), devices.size()));
    Placed last = placed;
    constexpr int tries = 5;
    for (int i = 0; i < tries; ++i) {
        const std::vector<double> rooms = rooms_for_layers(last.memory, last.layers, costs, *machine_);
        Placed next = measured(equal ? divide(costs, rooms) : fill_in_order(costs, rooms));
        const bool same = next.layers.split == last.layers.split;
        last = std::move(next);
        if (lacks(last) <= lacks(placed)) {
            placed = last;
        }
        if (same) {
            break;
        }
    }
    Devices used;
    for (std::size_t i = 0; i < devices.size(); ++i) {
        if (placed.layers.split[i] > 0) {
            used.push_back(devices[i]);
        }
    }
    // A device without a layer would still take what a backend takes at its start.
    return used.size() < devices.size() ? measure_divided(tier, std::move(layers), used, options) : placed;
}

std::optional<Placed> Placer::whole_on(Tier tier, const Devices& devices,
                                       const EstimateOptions& options) const {
    Placed placed = measure_divided(tier, offload(slots()), devices, options);
    if (!placed.fits() && candidate_->projector) {
        Placement without_projector = offload(slots());
        without_projector.projector_on_gpu = false;
        placed = measure_divided(tier, without_projector, devices, options);
    }
    return placed.fits() ? std::optional(std::move(placed)) : std::nullopt;
}

std::vector<Placed> Placer::whole(const EstimateOptions& options) const {
    std::vector<Placed> list;
    if (wants_host_only() || wishes_->gpu_layers.value_or(slots()) < slots()) {
        return list;
    }
    const auto add = [&](Tier tier, const Devices& devices) {
        if (auto placed = whole_on(tier, devices, options)) {
            list.push_back(std::move(*placed));
        }
    };
    for (const std::string& id : usable_) {
        add(Tier::gpu, {id});
    }
    for (std::size_t count = 2; count <= usable_.size(); ++count) {
        add(Tier::gpus, {usable_.begin(), usable_.begin() + static_cast<std::ptrdiff_t>(count)});
    }
    return list;
}

std::vector<Placer::Devices> Placer::mixed_sets() const {
    std::vector<Devices> sets{usable_};
    if (usable_.size() > 1) {
        sets.push_back({usable_.front()});
    }
    return sets;
}

std::optional<Placed> Placer::with_experts_on_host(const Devices& devices,
                                                   const EstimateOptions& options) const {
    const registry::ModelShape& shape = candidate_->shape;
    const bool has_experts =
        std::ranges::any_of(shape.layers, [](const auto& layer) { return layer.expert_bytes > 0; });
    if (!has_experts || wishes_->gpu_layers.value_or(slots()) < slots()) {
        return std::nullopt;
    }
    const int blocks = slots() - 1;
    std::optional<Placed> best;
    const int kept = largest(0, blocks - 1, [&](int on_accelerator) {
        Placed placed = measure_divided(Tier::experts_on_host, offload(slots(), blocks - on_accelerator),
                                        devices, options);
        const bool holds = accelerator_shortage(placed.memory, *machine_) == 0;
        if (holds) {
            best = std::move(placed);
        }
        return holds;
    });
    return kept >= 0 ? best : std::nullopt;
}

std::optional<Placed> Placer::with_layers_on_host(const Devices& devices,
                                                  const EstimateOptions& options) const {
    std::optional<Placed> best;
    const auto holds = [&](int layers) {
        Placed placed = measure_divided(Tier::partial, offload(layers), devices, options);
        const bool fits = accelerator_shortage(placed.memory, *machine_) == 0;
        if (fits) {
            best = std::move(placed);
        }
        return fits;
    };
    if (wishes_->gpu_layers) {
        const int layers = std::min(*wishes_->gpu_layers, slots());
        holds(layers);
    } else {
        largest(1, slots() - 1, holds);
    }
    return best;
}

std::vector<Placed> Placer::mixed(const EstimateOptions& options) const {
    std::vector<Placed> list;
    const auto add = [&](std::optional<Placed> placed) {
        if (placed && placed->fits()) {
            list.push_back(std::move(*placed));
        }
    };
    if (!wants_host_only()) {
        for (const Devices& devices : mixed_sets()) {
            add(with_experts_on_host(devices, options));
        }
        for (const Devices& devices : mixed_sets()) {
            add(with_layers_on_host(devices, options));
        }
    }
    add(on_host(options));
    return list;
}

std::optional<Placed> Placer::on_host(const EstimateOptions& options) const {
    if (!may_use_host_only() && !wants_host_only()) {
        return std::nullopt;
    }
    return measure(Tier::cpu, {}, {}, options);
}

Placed Placer::closest(const EstimateOptions& options) const {
    std::vector<Placed> list;
    const auto add = [&](std::optional<Placed> placed) {
        if (placed) {
            list.push_back(std::move(*placed));
        }
    };
    if (!wants_host_only()) {
        const int layers = std::min(wishes_->gpu_layers.value_or(slots()), slots());
        const Tier whole_tier = usable_.size() > 1 ? Tier::gpus : Tier::gpu;
        list.push_back(measure_divided(layers == slots() ? whole_tier : Tier::partial, offload(layers),
                                       usable_, options));
        add(with_experts_on_host(usable_, options));
        add(with_layers_on_host(usable_, options));
    }
    add(on_host(options));
    return *std::ranges::min_element(list, {}, [](const Placed& placed) { return sum(placed.lacks); });
}

Placed Placer::again(const Placed& placed, const EstimateOptions& options) const {
    return measure(placed.tier, placed.layers, placed.accelerators, options);
}

} // namespace hearth::runtime::memory
