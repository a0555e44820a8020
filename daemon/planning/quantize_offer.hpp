#pragma once

#include "daemon/planning/candidates.hpp"
#include "runtime/memory/fit.hpp"

#include <string>

namespace hearth::daemon {

/// The model that `hearth quantize` would make and this machine would pick, where nothing smaller than F16 is there:
/// "`hearth quantize small Q4_K_M` makes a Q4_K_M of about 400 MB that fits". Sizes are the published bits per weight: a
/// model with rows that no block divides becomes larger. Empty when there is nothing to offer. Never throws.
/// @param model  what to type; empty: it is not here yet
std::string offer_quantize(const std::string& model, const Candidates& candidates,
                           const runtime::memory::Wishes& wishes, const runtime::memory::Machine& machine);

} // namespace hearth::daemon
