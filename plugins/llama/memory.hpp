#pragma once

#include "plugins/llama/failure.hpp"

struct common_params;
struct llama_context;

namespace hearth::llama {

/// The engine's devices as the ABI lists them. Ids are ggml's names in lower case: "cpu", "cuda0", "vulkan0".
Json list_devices();

/// What a loaded model holds: {"total_bytes", "devices": {"cpu": {"kind", "weights", "mapped", "kv",
/// "compute"}}}. "weights" holds every tensor once; "mapped" is the part of it that lies in the page cache
/// and can be dropped by the kernel.
Json memory_of(llama_context* context);

/// The same without reading weights, in the shape of the ABI's `estimate`. [ctl]: it borrows llama.cpp's
/// global log.
/// @throws Failure  HEARTH_E_FORMAT, HEARTH_E_NOMEM
Json estimate_memory(common_params& params);

} // namespace hearth::llama
