#pragma once

#include "base/json.hpp"
#include "runtime/memory/estimate.hpp"

#include <string>
#include <vector>

namespace hearth::runtime::memory {

/// What a backend says that it would take (the ABI's `estimate`) or has taken ("memory" of `info`), as the
/// planner counts: the host first, then accelerators.
/// @param accelerators  ids in the plan's order; others that the backend names follow by name
/// @throws Error        backend_failed: not an object of that shape, or figures below zero
Estimate read_backend_report(const Json& report, const std::vector<std::string>& accelerators = {});

} // namespace hearth::runtime::memory
