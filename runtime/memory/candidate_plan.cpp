#include "runtime/memory/candidate_plan.hpp"

#include "base/error.hpp"
#include "runtime/memory/quality_data.hpp"
#include "runtime/memory/reasons.hpp"

#include <algorithm>
#include <utility>

namespace hearth::runtime::memory {
namespace {

/// A smaller cache is taken for speed alone only when a person would notice: it keeps more layers on the
/// accelerator.
constexpr double noticeable_gain = 1.15;

struct Way {
    Placed placed;
    EstimateOptions options;
    double tokens_per_second = 0;
};

class CandidatePlanner {
  public:
    CandidatePlanner(const Candidate& candidate, const Wishes& wishes, const Machine& machine,
                     const Estimator& estimator)
        : candidate_(candidate), wishes_(wishes), machine_(machine),
          placer_(candidate, wishes, machine, estimator),
          steps_(context_steps(candidate.shape, wishes, machine)) {}

    std::optional<Way> best() const {
        std::optional<Way> way = whole(steps_.whole);
        if (!way) {
            way = best_mixed();
        }
        if (!way && steps_.last) {
            way = whole({*steps_.last});
        }
        if (!way && steps_.last) {
            way = mixed(*steps_.last);
        }
        return way ? std::optional(with_more_sequences(std::move(*way))) : std::nullopt;
    }

    Way closest() const {
        const EstimateOptions options = options_for_step(steps_.last.value_or(steps_.mixed.back()));
        return way_of(placer_.closest(options), options);
    }

    bool is_comfortable(const Way& way) const {
        const bool exact_cache = way.options.kv_type == steps_.whole.front().kv_type;
        if (is_whole(way.placed.tier) && exact_cache && way.options.context == steps_.whole.front().context) {
            return way.tokens_per_second == 0 || way.tokens_per_second >= quick_tokens_per_second;
        }
        const EstimateOptions options = options_for_step(steps_.mixed.front());
        const std::optional<Placed> alone = placer_.on_host(options);
        return alone && alone->fits() && way_of(*alone, options).tokens_per_second >= quick_tokens_per_second;
    }

  private:
    EstimateOptions options_for_step(const Step& step) const {
        return options_for(candidate_.shape, wishes_, machine_, step, wishes_.parallel.value_or(1));
    }

    Way way_of(Placed placed, const EstimateOptions& options) const {
        Choice choice;
        choice.options = options;
        choice.layers = placed.layers;
        choice.memory = placed.memory;
        const double speed = expect_speed(candidate_.shape, choice, machine_);
        return {.placed = std::move(placed), .options = options, .tokens_per_second = speed};
    }

    std::optional<Way> whole(const std::vector<Step>& steps) const {
        for (const Step& step : steps) {
            const EstimateOptions options = options_for_step(step);
            if (auto way = quickest(placer_.whole(options), options)) {
                return way;
            }
        }
        return std::nullopt;
    }

    std::optional<Way> mixed(const Step& step) const {
        const EstimateOptions options = options_for_step(step);
        return quickest(placer_.mixed(options), options);
    }

    /// Where a rate is not known, the first, which is of the best tier.
    std::optional<Way> quickest(std::vector<Placed> list, const EstimateOptions& options) const {
        std::optional<Way> best;
        for (Placed& placed : list) {
            Way way = way_of(std::move(placed), options);
            const bool known = best && best->tokens_per_second > 0 && way.tokens_per_second > 0;
            if (!best || (known && way.tokens_per_second > best->tokens_per_second)) {
                best = std::move(way);
            }
        }
        return best;
    }

    std::optional<Way> best_mixed() const {
        std::optional<Way> best;
        for (const Step& step : steps_.mixed) {
            std::optional<Way> way = mixed(step);
            if (way && (!best || way->tokens_per_second > best->tokens_per_second * noticeable_gain)) {
                best = std::move(way);
            }
        }
        return best;
    }

    Way with_more_sequences(Way way) const {
        if (wishes_.parallel) {
            return way;
        }
        for (int parallel = wishes_.preferred_parallel; parallel > 1; --parallel) {
            EstimateOptions options = way.options;
            options.parallel = parallel;
            Placed placed = placer_.again(way.placed, options);
            if (placed.fits()) {
                way.placed = std::move(placed);
                way.options = options;
                return way;
            }
        }
        return way;
    }

    const Candidate& candidate_;
    const Wishes& wishes_;
    const Machine& machine_;
    Placer placer_;
    Steps steps_;
};

/// A model that the caches hold is done before a second thread has woken up.
int threads_for(const registry::ModelShape& shape, const Machine& machine) {
    constexpr std::uint64_t tiny_bytes = 16u << 20;
    return shape.weight_bytes() <= tiny_bytes ? 1 : std::max(1, machine.cores);
}

bool is_oversized(const registry::ModelShape& shape) {
    constexpr std::uint64_t bits_without_loss = 9;
    return shape.weight_bytes() * 8 > shape.parameters * bits_without_loss && shape.parameters > 0;
}

void describe(Choice& choice, const Way& way) {
    choice.fits = way.placed.fits();
    choice.placement = tier_name(way.placed.tier);
    choice.options = way.options;
    choice.layers = way.placed.layers;
    choice.memory = way.placed.memory;
    choice.tokens_per_second = way.tokens_per_second;
    choice.short_bytes = sum(way.placed.lacks);
}

CandidatePlan undescribed(const Candidate& candidate, const Machine& machine) {
    CandidatePlan plan;
    plan.weight_bytes = candidate.shape.weight_bytes();
    plan.oversized = is_oversized(candidate.shape);
    Choice& choice = plan.choice;
    choice.quant = candidate.quant;
    choice.quality = quality_of(candidate.shape, candidate.quant);
    choice.below_floor = choice.quality.kld > quality_data().floor(candidate.shape.parameters);
    choice.download_bytes = candidate.download_bytes;
    choice.file_bytes = candidate.shape.file_bytes;
    choice.load_seconds = expect_load_seconds(candidate.shape, machine);
    choice.threads = threads_for(candidate.shape, machine);
    return plan;
}

} // namespace

CandidatePlan plan_candidate(const Candidate& candidate, const Wishes& wishes, const Machine& machine,
                             const Estimator& estimator) {
    CandidatePlan plan = undescribed(candidate, machine);
    const CandidatePlanner planner(candidate, wishes, machine, estimator);
    try {
        if (const std::optional<Way> way = planner.best()) {
            describe(plan.choice, *way);
            plan.comfortable = planner.is_comfortable(*way);
        } else {
            const Way closest = planner.closest();
            describe(plan.choice, closest);
            plan.choice.reason = lacks_text(closest.placed.lacks);
        }
    } catch (const Error& error) {
        if (error.code() != ErrorCode::unsupported) {
            throw;
        }
        plan.choice.source = "dry-run";
        plan.choice.reason = error.what();
    }
    return plan;
}

} // namespace hearth::runtime::memory
