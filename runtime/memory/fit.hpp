#pragma once

#include "runtime/memory/device.hpp"
#include "runtime/memory/estimate.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// Which quantization, context, cache type and placement: memory.md 4.3, deterministic. Pure functions.
namespace hearth::runtime::memory {

/// One way to have the model: a quantization that is published or installed.
struct Candidate {
    std::string quant; ///< "Q4_K_M"; unique in a plan
    registry::ModelShape shape;
    std::optional<registry::SideFileShape> projector;
    std::optional<registry::SideFileShape> draft;
    std::uint64_t download_bytes = 0; ///< what is not here yet; 0: installed
};

/// What a person or an app asked for; what is absent is the planner's to choose.
struct Wishes {
    std::optional<std::uint64_t> context;
    std::optional<int> parallel;
    std::optional<CacheType> kv_type;
    std::optional<bool> unified;
    std::optional<LoadMode> load_mode;
    std::optional<int> gpu_layers;
    std::string quant;  ///< empty: the planner picks
    std::string device; ///< an accelerator's id or "cpu"; empty: the planner's choice
    bool embeddings = false;
    bool force = false; ///< take the wish though it does not fit
};

/// Published quality of a quantization (memory.md 4.1; data/quality.json says where from).
struct Quality {
    double kld = 0; ///< mean KL divergence against F16
    std::optional<double> perplexity_increase;
    bool interpolated = false; ///< by bits per weight, no published value
    std::string grade;         ///< "near lossless", "very good", "good", "fair", "poor"
};
Quality quality_of(const registry::ModelShape& shape, const std::string& quant);

/// What one candidate would do here.
struct Choice {
    std::string quant;
    bool fits = false;
    std::string placement; ///< "gpu", "gpus", "experts on host", "partial", "cpu": the tier
    EstimateOptions options;
    Placement layers;
    Estimate memory;
    double tokens_per_second = 0; ///< at half the context
    double load_seconds = 0;
    Quality quality;
    std::string source = "closed-form"; ///< "closed-form", "dry-run" or "measured"
    std::string reason;                 ///< why it does not fit, or was (not) picked
    std::uint64_t download_bytes = 0;
};

struct Plan {
    std::vector<Choice> choices;       ///< best quality first, one per candidate
    std::optional<std::size_t> pick;   ///< into choices; absent: nothing fits above the quality floor
    std::optional<std::size_t> better; ///< next better quality than the pick, fitting or not
    std::optional<std::size_t> worse;  ///< next smaller that fits
    std::string advice;                ///< without a pick: what would fit
};

/// @throws Error  invalid_argument for wishes out of range; model_not_found when `wishes.quant` is no candidate
Plan fit(const std::vector<Candidate>& candidates, const Wishes& wishes, const Machine& machine);

/// Tokens per second of one sequence at `choice`'s context / 2: memory.md 4.5.
double expect_speed(const registry::ModelShape& shape, const Choice& choice, const Machine& machine);

} // namespace hearth::runtime::memory
