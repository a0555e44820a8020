/// Names of the estimate's choices, as the engine, the JSON and the command line write them; and sums.
#include "runtime/memory/estimate.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace hearth::runtime::memory {

namespace {

constexpr std::array<std::string_view, 9> cache_types = {"f32",  "f16",  "bf16", "q8_0",  "q5_1",
                                                         "q5_0", "q4_1", "q4_0", "iq4_nl"};
constexpr std::array<std::string_view, 3> load_modes = {"mmap", "repack", "read"};

template <class Enum, std::size_t count>
std::optional<Enum> try_find(const std::array<std::string_view, count>& names, std::string_view name) {
    const auto found = std::ranges::find(names, name);
    return found == names.end() ? std::nullopt : std::optional(static_cast<Enum>(found - names.begin()));
}

} // namespace

std::string_view cache_type_name(CacheType type) noexcept {
    return cache_types[static_cast<std::size_t>(type)];
}

std::optional<CacheType> try_cache_type(std::string_view name) noexcept {
    return try_find<CacheType>(cache_types, name);
}

std::string_view load_mode_name(LoadMode mode) noexcept {
    return load_modes[static_cast<std::size_t>(mode)];
}

std::optional<LoadMode> try_load_mode(std::string_view name) noexcept {
    return try_find<LoadMode>(load_modes, name);
}

std::uint64_t DeviceBytes::total() const noexcept {
    return weights + kv + state + compute + projector + draft;
}

std::uint64_t Estimate::total_bytes() const noexcept {
    return std::accumulate(devices.begin(), devices.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const DeviceBytes& device) { return sum + device.total(); });
}

} // namespace hearth::runtime::memory
