#pragma once

#include "runtime/memory/fit.hpp"

namespace hearth::runtime::memory {

/// Adds the projector and the draft of a candidate to the estimate of its model: on the first accelerator, or
/// on the host; a draft goes where the output layer is.
void add_side_files(Estimate& memory, const Candidate& candidate, const Placement& placement);

} // namespace hearth::runtime::memory
