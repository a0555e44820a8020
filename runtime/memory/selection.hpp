#pragma once

#include "runtime/memory/candidate_plan.hpp"

#include <optional>
#include <vector>

/// The pick among planned candidates (memory.md 4.3).
namespace hearth::runtime::memory {

/// Best quality first; of equals the smaller, then by name.
void sort_by_quality(std::vector<CandidatePlan>& plans);

/// Names, for each, a candidate that is no larger and better.
void mark_dominated(std::vector<CandidatePlan>& plans);

/// Those that may be picked unasked: not dominated, above the quality floor, and no larger than quantizations that
/// lose nothing when there is one of these.
std::vector<std::size_t> eligible(const std::vector<CandidatePlan>& plans);

/// The usual choice among `eligible`: Q4_K_M, or the nearest to it that is as good as its like; else the best.
std::optional<std::size_t> sweet_spot(const std::vector<CandidatePlan>& plans,
                                      const std::vector<std::size_t>& eligible);

/// A comfortable one that is better than the sweet spot; else the best from the sweet spot down that fits.
std::optional<std::size_t> pick_best(const std::vector<CandidatePlan>& plans);

/// Says for each plan without a reason why it was not picked, and for the pick why it was.
void explain(std::vector<CandidatePlan>& plans, std::optional<std::size_t> pick, const Wishes& wishes);

} // namespace hearth::runtime::memory
