#pragma once

#include "runtime/memory/fit.hpp"

#include <vector>

/// Which contexts and cache types are tried, and in which order (memory.md 4.3).
namespace hearth::runtime::memory {

struct Step {
    std::uint64_t context = 0; ///< tokens of one sequence
    CacheType kv_type = CacheType::f16;

    bool operator==(const Step&) const = default;
};

struct Steps {
    /// For a model that is whole on accelerators: the context that their size allows, then less.
    std::vector<Step> whole;
    /// Where the host takes part long contexts are slow: 8192 tokens.
    std::vector<Step> mixed;
    /// When nothing else fits; absent when a context was asked for.
    std::optional<Step> last;
};

/// A wish is the only value that is tried. A q8_0 cache loses less than any step of quantization, so it comes
/// before a smaller context; q4_0 only by wish.
/// @throws Error  invalid_argument: a wished cache type that the model's heads do not divide into
Steps context_steps(const registry::ModelShape& shape, const Wishes& wishes, const Machine& machine);

/// Whether the engine can keep the model's heads in this type: a block must not reach over the end of a head.
bool can_cache(const registry::ModelShape& shape, CacheType type) noexcept;

/// What is loaded with `step` for `parallel` sequences, the rest by wish or default.
EstimateOptions options_for(const registry::ModelShape& shape, const Wishes& wishes, const Machine& machine,
                            const Step& step, int parallel);

} // namespace hearth::runtime::memory
