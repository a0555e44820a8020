#pragma once

#include "plugins/abi/hearth_quantize.h"

#include <string>

namespace hearth::llama {

/// The extension's calls, as functions that throw Failure. `scratch_dir`: for the links of a split model.
std::string plan_event(const hearth_quantize_spec& spec, const char* scratch_dir);
std::string run_quantization(const hearth_quantize_spec& spec, const hearth_progress* progress,
                             const char* scratch_dir);

} // namespace hearth::llama
