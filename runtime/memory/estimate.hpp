#pragma once

#include "registry/model_shape.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The closed form (L1): what llama.cpp will allocate, from the header alone. Pure functions; microseconds.
/// Formulas and their sources: reference memory.md 2; checked against the engine's dry run by
/// tests/runtime/memory.
namespace hearth::runtime::memory {

enum class CacheType { f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0, iq4_nl };
std::string_view cache_type_name(CacheType type) noexcept; ///< "q8_0"
std::optional<CacheType> try_cache_type(std::string_view name) noexcept;

/// How host weights come into memory.
enum class LoadMode {
    mmap,   ///< the file's pages, shared and reclaimable
    repack, ///< copied into a faster layout where the CPU has one, the rest mapped
    read    ///< copied as they are
};
std::string_view load_mode_name(LoadMode mode) noexcept; ///< "mmap", "repack", "read"
std::optional<LoadMode> try_load_mode(std::string_view name) noexcept;

/// Everything a load is told that changes its memory. The same values go to the backend.
struct EstimateOptions {
    std::uint64_t context = 4096; ///< tokens per sequence; above the trained length it is clamped
    int parallel = 1;             ///< sequences at once
    bool unified = true; ///< sequences share one pool of context × parallel cells; else each has its own
    CacheType kv_type = CacheType::f16; ///< of K and V
    bool flash_attention = true;
    int ubatch = 512;
    LoadMode load_mode = LoadMode::mmap;
    bool embeddings = false; ///< vectors are wanted: scores for a whole batch, batch up to 2048
};

/// Where the weights go. Layers are counted from the end, the output layer is one more (llama.cpp's rule).
struct Placement {
    int gpu_layers = 0; ///< 0 … layers + 1
    std::vector<double> split =
        {};                        ///< share of the offloaded layers per accelerator; empty: all on the first
    int expert_layers_on_host = 0; ///< of the offloaded layers, the first N keep their experts in RAM
    bool projector_on_gpu = true;
};

/// Bytes on one device.
struct DeviceBytes {
    std::string id;             ///< "cpu", or the accelerator's
    std::uint64_t weights = 0;  ///< all weights that live here, mapped and repacked together
    std::uint64_t mapped = 0;   ///< of `weights`: pages of the file
    std::uint64_t repacked = 0; ///< of `weights`: in a layout of the CPU's own
    std::uint64_t kv = 0;
    std::uint64_t state = 0;
    std::uint64_t compute = 0;
    std::uint64_t output = 0; ///< logits and embeddings handed out; not in the engine's own account
    std::uint64_t projector = 0;
    std::uint64_t draft = 0;

    /// What llama.cpp allocates: weights, KV, state, compute (and projector and draft). Output is apart.
    std::uint64_t total() const noexcept;
};

struct Estimate {
    std::vector<DeviceBytes> devices; ///< the host first, then accelerators in the machine's order
    std::uint64_t total_bytes() const noexcept;
};

/// @param accelerators  ids of the devices of `placement`, in order; empty: all on the host
/// @throws Error  invalid_argument: context, parallel or placement out of range; unsupported:
/// `shape.closed_form` is false
Estimate estimate(const registry::ModelShape& shape, const EstimateOptions& options,
                  const Placement& placement = {}, const std::vector<std::string>& accelerators = {});

/// Bytes of KV cache of all sequences, on whatever device its layers are.
std::uint64_t estimate_kv_cache(const registry::ModelShape& shape, const EstimateOptions& options);

/// What the peers compute: file size + 2·layers·kv·(width/heads)·context·2. For comparison only.
std::uint64_t naive_bytes(const registry::ModelShape& shape, std::uint64_t context_total);

} // namespace hearth::runtime::memory
