#pragma once

#include "runtime/memory/device.hpp"
#include "runtime/memory/estimate.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// Which quantization, context, cache type and placement: memory.md 4.3, deterministic. Pure functions.
namespace hearth::runtime::memory {

/// How weights are loaded when nobody asks for a mode: repacked where they are quantized and the CPU computes alone,
/// mapped otherwise. By measurement, docs/MEMORY.md.
LoadMode usual_load_mode(const registry::ModelShape& shape, const Machine& machine);

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
    std::optional<std::uint64_t> context;       ///< asked for: this or nothing
    std::optional<std::uint64_t> usual_context; ///< without `context`: aimed at in place of the usual lengths
    std::optional<int> parallel;
    int preferred_parallel = 1; ///< without `parallel`: as many of these as fit beside the choice
    std::optional<CacheType> kv_type;
    std::optional<bool> unified;
    std::optional<LoadMode> load_mode;
    std::optional<int> gpu_layers;
    std::string quant;  ///< empty: the planner picks
    std::string device; ///< an accelerator's id or "cpu"; empty: the planner's choice
    bool embeddings = false;
    bool force = false; ///< take the wish though it does not fit
};

/// Published quality of a quantization; quality.json says where from.
struct Quality {
    double kld = 0; ///< mean KL divergence against F16
    std::optional<double> perplexity_increase;
    bool interpolated = false; ///< by bits per weight, no published value
    bool imatrix = false;      ///< the figure is of a file made with an importance matrix
    bool dominated = false;    ///< a published quantization is smaller and better
    std::string grade;         ///< "near lossless", "very good", "good", "fair", "poor"
};

/// By name, for names that are published; others by bits per weight between the published ones of the same
/// family (K or IQ). F32, F16 and BF16, and a format that the maker published as the original, lose nothing.
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
    std::uint64_t file_bytes = 0;
    std::uint64_t short_bytes = 0; ///< what lacks, over all devices; 0: fits
    int threads = 1;               ///< that compute on the host
    bool below_floor = false;      ///< worse than what is ever picked unasked
    std::string dominated_by;      ///< a candidate that is no larger and better; empty: none
};

struct Plan {
    std::vector<Choice> choices;       ///< best quality first, one per candidate
    std::optional<std::size_t> pick;   ///< into choices; absent: nothing fits above the quality floor
    std::optional<std::size_t> better; ///< next better quality than the pick, fitting or not
    std::optional<std::size_t> worse;  ///< next smaller that fits
    std::optional<std::size_t> faster; ///< the best that is whole on accelerators, where the pick is not, and
                                       ///< much quicker: offered, not taken, as it costs quality
    std::vector<Choice> nearest;       ///< without a fitting pick: what comes closest to the wish and fits
    std::string advice;                ///< without a fitting pick: what would fit, in a sentence
};

/// What sizes a placement: the closed form, or one that knows more (a dry run, what loads have measured).
using Estimator =
    std::function<Estimate(const registry::ModelShape& shape, const EstimateOptions& options,
                           const Placement& placement, const std::vector<std::string>& accelerators)>;

/// The best quality that fits with the context wanted, then speed. Q4_K_M, or the nearest to it, is taken where
/// it fits in any way; a better one only where it fits whole on the accelerators, or is quick on the CPU alone.
/// So more memory never gives a worse quality. Candidates may come in any order.
///
/// @throws Error  invalid_argument for wishes out of range or an unknown device; model_not_found when
/// `wishes.quant` is no candidate, or there is none at all
Plan fit(const std::vector<Candidate>& candidates, const Wishes& wishes, const Machine& machine);

/// As above, sized by `estimator`. What it throws as `unsupported` makes a choice that does not fit.
Plan fit(const std::vector<Candidate>& candidates, const Wishes& wishes, const Machine& machine,
         const Estimator& estimator);

/// Tokens per second of one sequence at `choice`'s context / 2: bytes read for a token, by what each device
/// reads and computes in a second (memory.md 4.5). 0: a device that takes part was never measured.
double expect_speed(const registry::ModelShape& shape, const Choice& choice, const Machine& machine);

/// Until the weights are in memory: the bytes by `Machine::disk_bandwidth`, or by 1 GB/s (a SATA disk reads
/// half of it, NVMe twice) where that is not measured.
double expect_load_seconds(const registry::ModelShape& shape, const Machine& machine);

} // namespace hearth::runtime::memory
