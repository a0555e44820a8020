#include "runtime/memory/nearest.hpp"

#include "runtime/memory/largest.hpp"
#include "runtime/memory/selection.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hearth::runtime::memory {
namespace {

constexpr std::uint64_t context_step = 256; // the engine's own rounding
constexpr std::uint64_t least_useful_context = 512;
constexpr std::size_t most_smaller_quants = 3;

class NearestPlans {
  public:
    NearestPlans(const Candidate& candidate, const Wishes& wishes, const Machine& machine,
                 const Estimator& estimator)
        : candidate_(candidate), wishes_(wishes), machine_(machine), estimator_(estimator) {}

    std::vector<Choice> take() {
        add_fewer_sequences();
        add_smaller_cache();
        add_other_placement();
        add_smaller_context(wishes_, "");
        if (found_.empty()) {
            add_all_relaxed();
        }
        return std::move(found_);
    }

  private:
    std::optional<Choice> try_plan(const Wishes& wishes) const {
        CandidatePlan plan = plan_candidate(candidate_, wishes, machine_, estimator_);
        return plan.choice.fits ? std::optional(std::move(plan.choice)) : std::nullopt;
    }

    bool keep_if_it_fits(std::optional<Choice>& best, const Wishes& wishes) const {
        std::optional<Choice> choice = try_plan(wishes);
        if (choice) {
            best = std::move(choice);
            return true;
        }
        return false;
    }

    bool add(const Wishes& wishes, const std::string& difference) {
        std::optional<Choice> choice = try_plan(wishes);
        if (choice) {
            choice->reason = difference;
            found_.push_back(std::move(*choice));
        }
        return choice.has_value();
    }

    void add_fewer_sequences() {
        Wishes wishes = wishes_;
        std::optional<Choice> best;
        largest(1, wishes_.parallel.value_or(1) - 1, [&](int parallel) {
            wishes.parallel = parallel;
            return keep_if_it_fits(best, wishes);
        });
        if (best) {
            best->reason = fmt::format("{} at once instead of {}", best->options.parallel, *wishes_.parallel);
            found_.push_back(std::move(*best));
        }
    }

    void add_smaller_cache() {
        if (!wishes_.kv_type || *wishes_.kv_type > CacheType::bf16 ||
            !can_cache(candidate_.shape, CacheType::q8_0)) {
            return;
        }
        Wishes wishes = wishes_;
        wishes.kv_type = CacheType::q8_0;
        add(wishes, fmt::format("a q8_0 cache instead of {}", cache_type_name(*wishes_.kv_type)));
    }

    void add_other_placement() {
        if (wishes_.gpu_layers && *wishes_.gpu_layers > 0) {
            Wishes wishes = wishes_;
            wishes.gpu_layers.reset();
            if (std::optional<Choice> choice = try_plan(wishes)) {
                choice->reason = fmt::format("{} layers on the accelerators instead of {}",
                                             choice->layers.gpu_layers, *wishes_.gpu_layers);
                found_.push_back(std::move(*choice));
                return;
            }
        }
        if (!wishes_.device.empty()) {
            Wishes wishes = wishes_;
            wishes.gpu_layers.reset();
            wishes.device.clear();
            add(wishes, "on other devices than " + wishes_.device);
        }
    }

    /// The largest context that fits: more context never takes less memory.
    bool add_smaller_context(Wishes wishes, const std::string& also) {
        const std::uint64_t asked = first_context();
        std::optional<Choice> best;
        largest(least_useful_context / context_step, (asked - 1) / context_step, [&](std::uint64_t steps) {
            wishes.context = steps * context_step;
            return keep_if_it_fits(best, wishes);
        });
        if (best) {
            best->reason =
                fmt::format("a context of {} tokens instead of {}{}", best->options.context, asked, also);
            found_.push_back(std::move(*best));
        }
        return best.has_value();
    }

    std::uint64_t first_context() const {
        const Steps steps = context_steps(candidate_.shape, wishes_, machine_);
        return steps.last ? steps.last->context : steps.mixed.front().context;
    }

    void add_all_relaxed() {
        Wishes wishes;
        wishes.context = first_context();
        wishes.embeddings = wishes_.embeddings;
        wishes.load_mode = wishes_.load_mode;
        wishes.kv_type = wishes_.kv_type.value_or(CacheType::q8_0);
        wishes.kv_type = std::max(*wishes.kv_type, CacheType::q8_0);
        if (!can_cache(candidate_.shape, *wishes.kv_type)) {
            wishes.kv_type = CacheType::f16;
        }
        wishes.parallel = 1;
        if (!add(wishes, fmt::format("one sequence, a {} cache, layers where they fit",
                                     cache_type_name(*wishes.kv_type)))) {
            add_smaller_context(wishes, ", with one sequence and a small cache");
        }
    }

    const Candidate& candidate_;
    const Wishes& wishes_;
    const Machine& machine_;
    const Estimator& estimator_;
    std::vector<Choice> found_;
};

/// The plan that the wish is about: the one asked for, else the usual one and below.
std::vector<const CandidatePlan*> subjects(const std::vector<CandidatePlan>& plans, const Wishes& wishes) {
    std::vector<const CandidatePlan*> list;
    if (!wishes.quant.empty()) {
        for (const CandidatePlan& plan : plans) {
            if (plan.choice.quant == wishes.quant) {
                list.push_back(&plan);
            }
        }
        return list;
    }
    const std::vector<std::size_t> allowed = eligible(plans);
    const std::size_t sweet = sweet_spot(plans, allowed).value_or(0);
    for (const std::size_t i : allowed) {
        if (i >= sweet) {
            list.push_back(&plans[i]);
        }
    }
    return list;
}

/// Smaller than what was asked for and fitting as it is; what is below the floor only when nothing else is left.
void add_smaller_quants(std::vector<Choice>& found, const std::vector<CandidatePlan>& plans,
                        const Wishes& wishes) {
    const auto asked = std::ranges::find_if(
        plans, [&](const CandidatePlan& plan) { return plan.choice.quant == wishes.quant; });
    const std::uint64_t limit = asked == plans.end() ? UINT64_MAX : asked->weight_bytes;
    std::size_t added = 0;
    for (const bool below_floor : {false, true}) {
        for (const CandidatePlan& plan : plans) {
            const bool smaller = plan.weight_bytes < limit && plan.choice.dominated_by.empty();
            if (!plan.choice.fits || !smaller || plan.choice.below_floor != below_floor ||
                added == (below_floor ? 1 : most_smaller_quants)) {
                continue;
            }
            Choice choice = plan.choice;
            choice.reason =
                below_floor ? "a smaller quantization, below the quality floor" : "a smaller quantization";
            found.push_back(std::move(choice));
            ++added;
        }
        if (!found.empty()) {
            return;
        }
    }
}

} // namespace

std::vector<Choice> nearest_plans(const std::vector<CandidatePlan>& plans,
                                  const std::vector<Candidate>& candidates, const Wishes& wishes,
                                  const Machine& machine, const Estimator& estimator) {
    std::vector<Choice> found;
    for (const CandidatePlan* subject : subjects(plans, wishes)) {
        const auto candidate = std::ranges::find(candidates, subject->choice.quant, &Candidate::quant);
        if (candidate != candidates.end() && found.empty()) {
            found = NearestPlans(*candidate, wishes, machine, estimator).take();
        }
    }
    add_smaller_quants(found, plans, wishes);
    return found;
}

} // namespace hearth::runtime::memory
