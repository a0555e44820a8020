#pragma once

#include "plugins/llama/failure.hpp"
#include "plugins/llama/quantize_types.hpp"

#include <llama.h>

#include <cstdint>
#include <string>

namespace hearth::llama {

/// What a quantization will write, down to the byte.
struct QuantizePlan {
    std::uint64_t output_bytes = 0;
    Json event; ///< what the extension's `plan` answers
};

/// Asks the engine's own dry run which type every tensor gets; reads headers only.
///
/// @param model        path of the file, or of the first shard
/// @param input_bytes  of all shards
/// @throws Failure     HEARTH_E_UNSUPPORTED: a source that has lost too much already; HEARTH_E_INVALID: the
///                     result would not be smaller; HEARTH_E_FORMAT
QuantizePlan plan_quantization(const std::string& model, std::uint64_t input_bytes, const TargetType& target);

/// The engine's parameters, the same for the dry run and the real one.
llama_model_quantize_params quantize_parameters(const TargetType& target, int threads);

} // namespace hearth::llama
