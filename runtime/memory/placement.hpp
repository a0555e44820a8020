#pragma once

#include "runtime/memory/budget.hpp"
#include "runtime/memory/fit.hpp"

#include <string>
#include <vector>

/// Where the weights of one candidate can go on one machine: the tiers of memory.md 4.3.
namespace hearth::runtime::memory {

/// Best first; of two that are equally quick the earlier is taken.
enum class Tier {
    gpu,             ///< all on one accelerator
    gpus,            ///< all over several
    experts_on_host, ///< all but some routed experts on accelerators
    partial,         ///< some whole layers on accelerators
    cpu              ///< all on the host
};
const char* tier_name(Tier tier) noexcept;
bool is_whole(Tier tier) noexcept; ///< nothing but the embeddings is on the host

/// A placement and what it needs.
struct Placed {
    Tier tier = Tier::cpu;
    Placement layers;
    std::vector<std::string> accelerators; ///< ids, in the machine's order
    Estimate memory;
    std::vector<Shortage> lacks; ///< empty: it fits

    bool fits() const noexcept { return lacks.empty(); }
};

/// Finds placements. References must outlive it; keeps nothing between calls.
class Placer {
  public:
    /// @throws Error  invalid_argument: `wishes.device` is no device of the machine
    Placer(const Candidate& candidate, const Wishes& wishes, const Machine& machine,
           const Estimator& estimator);

    /// All on accelerators: those that fit, on one before on several.
    std::vector<Placed> whole(const EstimateOptions& options) const;
    /// Those with host memory that fit, one per tier: as much on the accelerators as they hold.
    std::vector<Placed> mixed(const EstimateOptions& options) const;
    /// All on the host, fitting or not; nothing when an accelerator was asked for.
    std::optional<Placed> on_host(const EstimateOptions& options) const;
    /// What lacks least, for saying what lacks.
    Placed closest(const EstimateOptions& options) const;
    /// The same placement with other options.
    Placed again(const Placed& placed, const EstimateOptions& options) const;

  private:
    using Devices = std::vector<std::string>;

    Placed measure(Tier tier, Placement layers, Devices devices, const EstimateOptions& options) const;
    /// As `measure`, with the layers divided among several devices: equally full where they are equally quick,
    /// else the quickest filled first.
    Placed measure_divided(Tier tier, Placement layers, const Devices& devices,
                           const EstimateOptions& options) const;
    std::optional<Placed> whole_on(Tier tier, const Devices& devices, const EstimateOptions& options) const;
    std::optional<Placed> with_experts_on_host(const Devices& devices, const EstimateOptions& options) const;
    std::optional<Placed> with_layers_on_host(const Devices& devices, const EstimateOptions& options) const;
    std::vector<Devices> mixed_sets() const;
    int slots() const noexcept; ///< blocks and the output layer
    bool wants_host_only() const noexcept;
    bool may_use_host_only() const noexcept;

    const Candidate* candidate_;
    const Wishes* wishes_;
    const Machine* machine_;
    const Estimator* estimator_;
    Devices usable_; ///< accelerators, in the machine's order
};

} // namespace hearth::runtime::memory
