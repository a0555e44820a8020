#pragma once

#include "plugins/llama/failure.hpp"

namespace hearth::llama {

/// How fast each device turns weights into products, by tensor type: a matrix that is larger than the caches
/// times one vector, as one sequence does for every token, with the engine's own kernels and the file's own
/// layout.
/// @param settings  {"threads": n or 0, "milliseconds": for all of it}
/// @return {"<device id>": {"throughput": {"Q4_K": bytes of weights per second, …}}}
/// @throws Failure  HEARTH_E_INVALID, HEARTH_E_NOMEM
Json measure_devices(const Json& settings);

} // namespace hearth::llama
