#pragma once

#include "runtime/memory/candidate_plan.hpp"

#include <vector>

/// What comes closest to a wish that does not fit.
namespace hearth::runtime::memory {

/// One plan per kind of relaxation that helps, the least loss first: fewer sequences, a q8_0 cache, another
/// placement, a smaller context, all of these; then smaller quantizations. Each says in `reason` what is different.
///
/// @param plans       of all candidates under `wishes`, in order of quality
/// @param candidates  as the planner was given them, in any order
std::vector<Choice> nearest_plans(const std::vector<CandidatePlan>& plans,
                                  const std::vector<Candidate>& candidates, const Wishes& wishes,
                                  const Machine& machine, const Estimator& estimator);

} // namespace hearth::runtime::memory
