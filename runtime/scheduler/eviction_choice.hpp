#pragma once

#include "runtime/scheduler/arbiter.hpp"

namespace hearth::runtime {

/// A model that may go.
struct EvictionCandidate {
    std::string name;
    DeviceBytes bytes;
    double cost = 0; ///< of its going, in expected seconds; not below 0
};

/// Up to so many candidates the choice is exact.
inline constexpr std::size_t exact_eviction_candidates = 12;

/// The candidates that together free `lacking` on every device at the least cost: of equal cost the fewest, then the
/// first by name. Beyond `exact_eviction_candidates` the cheapest by cost for each useful byte, without those that the
/// others make needless.
/// @return indices, rising; nullopt: all together are not enough
std::optional<std::vector<std::size_t>> choose_eviction(const std::vector<EvictionCandidate>& candidates,
                                                        const DeviceBytes& lacking);

} // namespace hearth::runtime
