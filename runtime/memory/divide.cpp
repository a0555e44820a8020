#include "runtime/memory/divide.hpp"

#include "runtime/memory/budget.hpp"
#include "runtime/memory/kv_cache.hpp"
#include "runtime/memory/layer_map.hpp"
#include "runtime/memory/placing.hpp"

#include <algorithm>
#include <numeric>

namespace hearth::runtime::memory {
namespace {

/// Fills devices in order up to `level` of their room. The counts, or nothing when the last is passed.
std::optional<std::vector<double>> fill_to(const std::vector<double>& slots, const std::vector<double>& rooms,
                                           double level) {
    std::vector<double> counts(rooms.size(), 0);
    std::size_t device = 0;
    double used = 0;
    for (const double bytes : slots) {
        while (used + bytes > level * rooms[device]) {
            if (++device == rooms.size()) {
                return std::nullopt;
            }
            used = 0;
        }
        used += bytes;
        counts[device] += 1;
    }
    return counts;
}

} // namespace

std::vector<double> slot_bytes(const registry::ModelShape& shape, const EstimateOptions& options,
                               const Placement& placement) {
    const std::vector<LayerPlace> places = layer_places(shape, placement, 1);
    const Batch batch = make_batch(shape, options);
    std::vector<double> slots;
    for (std::size_t i = 0; i < shape.layers.size(); ++i) {
        if (places[i].layer == host) {
            continue;
        }
        const registry::LayerShape& layer = shape.layers[i];
        const std::uint64_t experts = places[i].experts == host ? 0 : layer.expert_bytes;
        const std::uint64_t weights = layer.prediction ? 0 : layer.dense_bytes + experts; // else not loaded
        slots.push_back(static_cast<double>(weights + layer_cache_bytes(shape, layer, options, batch) +
                                            layer_state_bytes(layer, batch)));
    }
    if (places.back().layer != host) {
        slots.push_back(static_cast<double>(output_layer_bytes(shape)));
    }
    return slots;
}

std::vector<double> rooms_for_layers(const Estimate& memory, const Placement& placement,
                                     const std::vector<double>& slots, const Machine& machine) {
    std::vector<double> rooms;
    std::size_t begin = 0;
    for (std::size_t device = 0; device + 1 < memory.devices.size(); ++device) {
        const DeviceBytes& bytes = memory.devices[device + 1];
        const auto count = device < placement.split.size() ? static_cast<std::size_t>(placement.split[device])
                                                           : std::size_t{0};
        const std::size_t end = std::min(begin + count, slots.size());
        const double layers = std::accumulate(slots.begin() + static_cast<std::ptrdiff_t>(begin),
                                              slots.begin() + static_cast<std::ptrdiff_t>(end), 0.0);
        begin = end;
        const Device* known = find_device(machine, bytes.id);
        const double budget = known == nullptr ? 0 : static_cast<double>(known->budget_bytes());
        const double beside = std::max(0.0, static_cast<double>(needed_bytes(bytes)) - layers);
        rooms.push_back(std::max(0.0, budget - beside));
    }
    return rooms;
}

std::vector<double> divide_evenly(std::size_t slots, std::size_t devices) {
    const std::size_t each = slots / devices;
    std::vector<double> counts(devices, static_cast<double>(each));
    for (std::size_t i = 0; i < slots % devices; ++i) {
        counts[i] += 1;
    }
    return counts;
}

std::vector<double> fill_in_order(const std::vector<double>& slots, const std::vector<double>& rooms) {
    std::vector<double> counts(rooms.size(), 0);
    std::size_t device = 0;
    double used = 0;
    for (const double bytes : slots) {
        while (device + 1 < rooms.size() && used + bytes > rooms[device]) {
            ++device;
            used = 0;
        }
        used += bytes;
        counts[device] += 1;
    }
    return counts;
}

std::vector<double> divide(const std::vector<double>& slots, const std::vector<double>& rooms) {
    std::optional<std::vector<double>> best = fill_to(slots, rooms, 1);
    if (!best) {
        return fill_in_order(slots, rooms);
    }
    double low = 0;
    double high = 1;
    constexpr int halvings = 20; // finer than any layer
    for (int i = 0; i < halvings; ++i) {
        const double level = (low + high) / 2;
        if (auto counts = fill_to(slots, rooms, level)) {
            best = std::move(counts);
            high = level;
        } else {
            low = level;
        }
    }
    return *best;
}

} // namespace hearth::runtime::memory
