#pragma once

#include "runtime/memory/context_steps.hpp"
#include "runtime/memory/placement.hpp"

namespace hearth::runtime::memory {

/// What one candidate would do here, with what the pick among candidates asks for.
struct CandidatePlan {
    Choice choice;
    std::uint64_t weight_bytes = 0;
    bool oversized = false; ///< more than 8.5 bits per weight: larger than a quantization that loses nothing
    /// With the full context and an exact cache it is whole on accelerators and quick, or quick on the CPU
    /// alone: the condition for a better quality than the usual one.
    bool comfortable = false;
};

/// Below this a person waits: slower choices are not taken for their quality.
inline constexpr double quick_tokens_per_second = 15;

/// The best way to have one candidate: whole on accelerators, else the quickest with the context wanted, else with
/// a small one; then as many sequences as fit beside it. When nothing fits, what lacks least.
///
/// @throws Error  what the estimator throws, but for `unsupported`, which is a choice that does not fit
CandidatePlan plan_candidate(const Candidate& candidate, const Wishes& wishes, const Machine& machine,
                             const Estimator& estimator);

} // namespace hearth::runtime::memory
