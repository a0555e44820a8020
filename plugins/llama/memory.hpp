#pragma once

#include "plugins/llama/failure.hpp"

#include <string>

struct common_params;
struct ggml_backend_device;
struct llama_context;

namespace hearth::llama {

/// ggml's name in lower case; null is the host: "cpu".
std::string device_id(ggml_backend_device* device);

/// The engine's devices as the ABI lists them. Ids are ggml's names in lower case: "cpu", "cuda0", "vulkan0".
Json list_devices();

/// What a loaded model holds: {"total_bytes", "devices": {"cpu": {"kind", "weights", "mapped", "repacked", "kv",
/// "state", "compute", "output"}}}. "weights" holds every tensor once: "mapped" is the part of it that lies in
/// the file's pages, which the kernel can drop; "repacked" the part in a layout of the CPU's own. "state" is
/// what recurrent layers keep. "total_bytes" is the sum of weights, kv, state and compute over the devices:
/// the engine's own account. "output", apart, is the most that the buffer for scores and vectors grows to.
Json memory_of(llama_context* context, const common_params& params);

/// The same before a load and without reading weights: a file that holds a header and nothing else, of the
/// right size, will do. [ctl]: it borrows llama.cpp's global log.
/// @throws Failure  HEARTH_E_FORMAT, HEARTH_E_INVALID, HEARTH_E_NOMEM
Json estimate_memory(common_params& params);

} // namespace hearth::llama
