#pragma once

#include "base/json.hpp"
#include "runtime/memory/machine_source.hpp"

namespace hearth::daemon {

/// The answer of /hearth/v1/devices: the host first, then accelerators, fastest first.
/// {"devices": [{"id", "kind", "description", "backends", "total_bytes", "free_bytes", "margin_bytes", "fixed_bytes",
/// "budget_bytes", "bandwidth", "bandwidth_source", "throughput", "unified", "memory_source", "limited_by"?,
/// "limits"}], "cores", "swap_total_bytes", "swap_free_bytes", "measured_at"?, "measuring", "warnings"}.
/// Rates are bytes per second; `bandwidth_source` is "measured" or "assumed".
Json devices_json(const runtime::memory::MachineReport& report);

} // namespace hearth::daemon
