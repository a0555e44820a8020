#include "runtime/memory/selection.hpp"

#include "runtime/memory/quality_data.hpp"
#include "runtime/memory/reasons.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

namespace hearth::runtime::memory {
namespace {

auto order_of(const CandidatePlan& plan) {
    return std::tuple(plan.choice.quality.kld, plan.weight_bytes, std::string_view(plan.choice.quant));
}

/// Equal in bytes and quality is not worse: both stay.
bool dominates(const CandidatePlan& a, const CandidatePlan& b) {
    const double a_loss = a.choice.quality.kld;
    const double b_loss = b.choice.quality.kld;
    return a.weight_bytes <= b.weight_bytes && a_loss <= b_loss &&
           (a.weight_bytes < b.weight_bytes || a_loss < b_loss);
}

/// A context beyond what a model was made for is cut, and never silently.
std::string cut_text(const Choice& choice, const Wishes& wishes) {
    const std::uint64_t wish = wishes.context.value_or(0);
    return wish <= choice.options.context
               ? ""
               : fmt::format("; {} were asked for, it is made for {}", wish, choice.options.context);
}

std::string pick_reason(const std::vector<CandidatePlan>& plans, std::size_t pick, const Wishes& wishes) {
    const CandidatePlan& plan = plans[pick];
    const Choice& choice = plan.choice;
    const std::string floor = choice.below_floor ? ", though it is below the quality floor" : "";
    if (!choice.fits) {
        return fmt::format("forced: {}{}", choice.reason, floor);
    }
    if (!wishes.quant.empty()) {
        return "asked for" + floor + cut_text(choice, wishes);
    }
    const std::vector<std::size_t> list = eligible(plans);
    const std::optional<std::size_t> sweet = sweet_spot(plans, list);
    const std::string how = fmt::format("with {}{}", context_text(choice.options), cut_text(choice, wishes));
    if (plans.size() == 1) {
        return fmt::format("the only one there is; it fits {}", how);
    }
    if (sweet && pick < *sweet) {
        return fmt::format("the best quality that is {} {}",
                           choice.placement == "gpu" || choice.placement == "gpus"
                               ? "whole on the accelerators"
                               : "quick here",
                           how);
    }
    if (sweet == pick) {
        return fmt::format("the usual balance of size and quality; it fits {}", how);
    }
    return fmt::format("the best quality that fits {}", how);
}

std::string other_reason(const CandidatePlan& plan, std::optional<std::size_t> pick, std::size_t index,
                         const Wishes& wishes) {
    const Choice& choice = plan.choice;
    if (!choice.dominated_by.empty()) {
        return fmt::format("{} is no larger and better", choice.dominated_by);
    }
    if (choice.below_floor) {
        return "below the quality floor: only by asking for it";
    }
    if (plan.oversized) {
        return "larger than a quantization that loses nothing";
    }
    if (pick && !wishes.quant.empty()) {
        return "fits; another was asked for";
    }
    if (pick && index < *pick) {
        if (choice.tokens_per_second > 0 && choice.tokens_per_second < quick_tokens_per_second) {
            return fmt::format("fits; at {:.1f} tokens per second too slow to take for its quality",
                               choice.tokens_per_second);
        }
        return "fits; the full context would not be whole on the accelerators";
    }
    return pick ? "fits; the pick is better" : "fits";
}

} // namespace

void sort_by_quality(std::vector<CandidatePlan>& plans) {
    std::ranges::sort(
        plans, [](const CandidatePlan& a, const CandidatePlan& b) { return order_of(a) < order_of(b); });
}

void mark_dominated(std::vector<CandidatePlan>& plans) {
    for (CandidatePlan& plan : plans) {
        const auto better =
            std::ranges::find_if(plans, [&](const CandidatePlan& other) { return dominates(other, plan); });
        plan.choice.dominated_by = better == plans.end() ? std::string() : better->choice.quant;
    }
}

std::vector<std::size_t> eligible(const std::vector<CandidatePlan>& plans) {
    const auto indices = [&](bool with_oversized) {
        std::vector<std::size_t> list;
        for (std::size_t i = 0; i < plans.size(); ++i) {
            const bool taken = plans[i].choice.dominated_by.empty() && !plans[i].choice.below_floor;
            if (taken && (with_oversized || !plans[i].oversized)) {
                list.push_back(i);
            }
        }
        return list;
    };
    std::vector<std::size_t> list = indices(false);
    return list.empty() ? indices(true) : list;
}

std::optional<std::size_t> sweet_spot(const std::vector<CandidatePlan>& plans,
                                      const std::vector<std::size_t>& eligible) {
    if (eligible.empty()) {
        return std::nullopt;
    }
    const QualityData& data = quality_data();
    const PublishedQuality* sweet = data.find(data.sweet_quant);
    const double target = sweet == nullptr ? data.sweet_kld : sweet->kld;
    std::optional<std::size_t> nearest;
    const auto distance = [&](std::size_t i) { return std::abs(plans[i].choice.quality.kld - target); };
    for (const std::size_t i : eligible) {
        // Of two as near the earlier, which is better.
        if (plans[i].choice.quality.kld <= data.sweet_kld && (!nearest || distance(i) < distance(*nearest))) {
            nearest = i;
        }
    }
    return nearest ? nearest : eligible.front();
}

std::optional<std::size_t> pick_best(const std::vector<CandidatePlan>& plans) {
    const std::vector<std::size_t> list = eligible(plans);
    const std::optional<std::size_t> sweet = sweet_spot(plans, list);
    for (const std::size_t i : list) {
        const bool usual = i >= *sweet;
        if (plans[i].choice.fits && (usual || plans[i].comfortable)) {
            return i;
        }
    }
    // What is better than the usual and yet smaller in memory: slow, but the only one.
    const auto last =
        std::find_if(list.rbegin(), list.rend(), [&](std::size_t i) { return plans[i].choice.fits; });
    return last == list.rend() ? std::nullopt : std::optional(*last);
}

void explain(std::vector<CandidatePlan>& plans, std::optional<std::size_t> pick, const Wishes& wishes) {
    for (std::size_t i = 0; i < plans.size(); ++i) {
        std::string& reason = plans[i].choice.reason;
        if (pick == i) {
            reason = pick_reason(plans, i, wishes);
        } else if (reason.empty()) {
            reason = other_reason(plans[i], pick, i, wishes);
        }
    }
}

} // namespace hearth::runtime::memory
