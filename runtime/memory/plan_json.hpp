#pragma once

#include "base/json.hpp"
#include "runtime/memory/fit.hpp"

#include <string>

/// A plan as scripts read it: the contract of GET /hearth/v1/plan and of `hearth plan --json`.
namespace hearth::runtime::memory {

/// {"version": 1, "model", "choices": […], "pick": choice or null, "better", "worse", "faster": choice or null,
///  "nearest": […], "advice": text or null}.
///
/// A choice: "quant", "fits", "placement", "context" (tokens of one sequence), "parallel", "unified", "kv_type",
/// "flash_attention", "load_mode", "gpu_layers", "split", "expert_layers_on_host", "threads", "memory",
/// "tokens_per_second" (null: not known), "load_seconds", "size_bytes", "download_bytes", "short_bytes" (what lacks),
/// "quality", "source", "reason".
/// "memory": "total_bytes" is what the engine allocates, without what is handed out, margins and fixed overheads;
/// "output_bytes", "fixed_bytes" apart; "mapped_bytes" and "repacked_bytes" are of the weights; "devices" with the
/// same by kind, and with "total", "budget" (free without margin and fixed) and "margin".
///
/// @param model  the name as it is printed
Json plan_json(const Plan& plan, const std::string& model, const Machine& machine);

/// One choice of it.
Json choice_json(const Choice& choice, const Machine& machine);

} // namespace hearth::runtime::memory
