#pragma once

#include "base/json.hpp"

namespace hearth::daemon {

/// What a quantization has saved, from the plan of the backend ({"type", "output_bytes", "elements", "tensors"}):
/// {"type", "size", "elements", "bits_per_weight", "saving": {"f32", "f16"} as fractions, "tensors": [… with
/// "bits" and "share" of the weights], "note": why a 4-bit type does not save the 87.5 % of 4 bits out of 32,
/// for such types only}.
/// @throws Error  backend_failed: a plan without these numbers
Json quantize_report(const Json& plan);

/// The type's own name for a name, alias or misspelling of case.
/// @param types   {"types": [{"name", "aliases"}…], "refused": [{"name", "reason"}…]}
/// @throws Error  invalid_argument: unknown, with the list and, as a hint, the nearest; unsupported: refused,
///                with the reason
std::string quantize_type(const Json& types, const std::string& wanted);

} // namespace hearth::daemon
