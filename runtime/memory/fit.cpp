#include "runtime/memory/fit.hpp"

#include "base/config.hpp"
#include "base/error.hpp"
#include "runtime/memory/nearest.hpp"
#include "runtime/memory/reasons.hpp"
#include "runtime/memory/selection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

namespace hearth::runtime::memory {
namespace {

constexpr int most_sequences = 256;              // llama.cpp's LLAMA_MAX_SEQ
constexpr std::uint64_t most_context = 1u << 24; // above every model; keeps all sums in 64 bits

void check(bool right, const std::string& what) {
    if (!right) {
        throw Error(ErrorCode::invalid_argument, what);
    }
}

void check_wishes(const Wishes& wishes) {
    check(wishes.context.value_or(1) >= 1 && wishes.context.value_or(1) <= most_context,
          fmt::format("the context must be 1 to {} tokens", most_context));
    for (const int parallel : {wishes.parallel.value_or(1), wishes.preferred_parallel}) {
        check(parallel >= 1 && parallel <= most_sequences,
              fmt::format("sequences at once must be 1 to {}", most_sequences));
    }
    check(wishes.gpu_layers.value_or(0) >= 0, "GPU layers cannot be negative");
}

bool same_name(const std::string& a, const std::string& b) {
    return std::ranges::equal(
        a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

/// The wishes with the quantization as the candidate writes it.
Wishes with_known_quant(Wishes wishes, const std::vector<Candidate>& candidates) {
    if (candidates.empty()) {
        throw Error(ErrorCode::model_not_found, "there is no model to plan");
    }
    if (wishes.quant.empty()) {
        return wishes;
    }
    const auto found = std::ranges::find_if(
        candidates, [&](const Candidate& candidate) { return same_name(candidate.quant, wishes.quant); });
    if (found == candidates.end()) {
        std::string names;
        for (const Candidate& candidate : candidates) {
            names.append(names.empty() ? "" : ", ").append(candidate.quant);
        }
        throw Error(ErrorCode::model_not_found, "there is no quantization " + wishes.quant,
                    "there are " + names);
    }
    wishes.quant = found->quant;
    return wishes;
}

std::optional<std::size_t> index_of(const std::vector<CandidatePlan>& plans, const std::string& quant) {
    for (std::size_t i = 0; i < plans.size(); ++i) {
        if (plans[i].choice.quant == quant) {
            return i;
        }
    }
    return std::nullopt;
}

/// What would fit best if it fitted: the pick of a person who insists.
std::optional<std::size_t> pick_forced(const std::vector<CandidatePlan>& plans) {
    return sweet_spot(plans, eligible(plans)).value_or(plans.size() - 1);
}

std::optional<std::size_t> pick(const std::vector<CandidatePlan>& plans, const Wishes& wishes) {
    if (!wishes.quant.empty()) {
        const std::optional<std::size_t> asked = index_of(plans, wishes.quant);
        return plans[*asked].choice.fits || wishes.force ? asked : std::nullopt;
    }
    const std::optional<std::size_t> best = pick_best(plans);
    return best || !wishes.force ? best : pick_forced(plans);
}

std::optional<std::size_t> better_than(const std::vector<CandidatePlan>& plans, std::size_t pick) {
    for (std::size_t i = pick; i-- > 0;) {
        const Choice& choice = plans[i].choice;
        if (choice.dominated_by.empty() && choice.quality.kld < plans[pick].choice.quality.kld) {
            return i;
        }
    }
    return std::nullopt;
}

std::optional<std::size_t> worse_than(const std::vector<CandidatePlan>& plans, std::size_t pick) {
    for (std::size_t i = pick + 1; i < plans.size(); ++i) {
        const bool smaller = plans[i].weight_bytes < plans[pick].weight_bytes;
        if (plans[i].choice.fits && plans[i].choice.dominated_by.empty() && smaller) {
            return i;
        }
    }
    return std::nullopt;
}

/// For a person to whom speed is worth a step of quality: above the floor, whole on accelerators.
std::optional<std::size_t> faster_than(const std::vector<CandidatePlan>& plans, std::size_t pick) {
    constexpr double much = 1.5;
    const auto is_on_accelerators = [](const Choice& choice) {
        return choice.placement == tier_name(Tier::gpu) || choice.placement == tier_name(Tier::gpus);
    };
    if (is_on_accelerators(plans[pick].choice)) {
        return std::nullopt;
    }
    for (const std::size_t i : eligible(plans)) {
        const Choice& choice = plans[i].choice;
        const bool quicker = choice.tokens_per_second > plans[pick].choice.tokens_per_second * much;
        if (i > pick && choice.fits && is_on_accelerators(choice) && quicker) {
            return i;
        }
    }
    return std::nullopt;
}

/// About the largest model of this kind that would fit: parameters grow like everything else of a plan.
std::string size_that_fits(const std::vector<CandidatePlan>& plans,
                           const std::vector<Candidate>& candidates) {
    const std::size_t usual = *pick_forced(plans);
    const Choice& choice = plans[usual].choice;
    const auto candidate = std::ranges::find(candidates, choice.quant, &Candidate::quant);
    const double needed = static_cast<double>(choice.memory.total_bytes());
    if (needed <= 0 || candidate == candidates.end() || candidate->shape.parameters == 0) {
        return {};
    }
    const double share = std::max(0.0, 1 - static_cast<double>(choice.short_bytes) / needed);
    const double parameters = share * static_cast<double>(candidate->shape.parameters);
    if (parameters < 1e8) {
        return "; no model of this family would fit";
    }
    return fmt::format("; of this family a model of about {:.1f} billion parameters would fit in {}",
                       std::floor(parameters / 1e8) / 10, choice.quant);
}

std::string advice(const Plan& plan, const std::vector<CandidatePlan>& plans,
                   const std::vector<Candidate>& candidates, const Wishes& wishes) {
    const auto is_unknown = [](const CandidatePlan& one) { return one.choice.memory.total_bytes() == 0; };
    if (std::ranges::all_of(plans, is_unknown)) { // nobody could say what it needs, and why stands there
        return plans.front().choice.reason;
    }
    const std::string subject = wishes.quant.empty() ? "no quantization above the quality floor fits"
                                                     : wishes.quant + " does not fit";
    if (plan.nearest.empty()) {
        return subject + size_that_fits(plans, candidates);
    }
    const Choice& first = plan.nearest.front();
    const std::string wish = wishes.quant.empty() ? size_that_fits(plans, candidates) : "";
    return fmt::format("{}; nearest: {}, {}{}", subject, first.quant, first.reason, wish);
}

} // namespace

Plan fit(const std::vector<Candidate>& candidates, const Wishes& wishes, const Machine& machine) {
    return fit(candidates, wishes, machine, Estimator(&estimate));
}

Plan fit(const std::vector<Candidate>& candidates, const Wishes& wishes, const Machine& machine,
         const Estimator& estimator) {
    check_wishes(wishes);
    const Wishes known = with_known_quant(wishes, candidates);
    std::vector<CandidatePlan> plans;
    plans.reserve(candidates.size());
    for (const Candidate& candidate : candidates) {
        plans.push_back(plan_candidate(candidate, known, machine, estimator));
    }
    sort_by_quality(plans);
    mark_dominated(plans);

    Plan plan;
    plan.pick = pick(plans, known);
    if (plan.pick) {
        plan.better = better_than(plans, *plan.pick);
        plan.worse = worse_than(plans, *plan.pick);
        plan.faster = faster_than(plans, *plan.pick);
    }
    if (!plan.pick || !plans[*plan.pick].choice.fits) {
        plan.nearest = nearest_plans(plans, candidates, known, machine, estimator);
        plan.advice = advice(plan, plans, candidates, known);
    }
    explain(plans, plan.pick, known);
    for (CandidatePlan& planned : plans) {
        plan.choices.push_back(std::move(planned.choice));
    }
    return plan;
}

} // namespace hearth::runtime::memory
