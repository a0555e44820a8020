#include "runtime/scheduler/eviction_choice.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <tuple>

namespace hearth::runtime {

namespace {

using Indices = std::vector<std::size_t>;

std::uint64_t bytes_on(const DeviceBytes& bytes, const std::string& device) {
    const auto found = bytes.find(device);
    return found == bytes.end() ? 0 : found->second;
}

bool frees(const std::vector<EvictionCandidate>& candidates, const Indices& chosen,
           const DeviceBytes& lacking) {
    return std::ranges::all_of(lacking, [&](const auto& missing) {
        std::uint64_t left = missing.second;
        for (const std::size_t index : chosen) {
            left -= std::min(left, bytes_on(candidates[index].bytes, missing.first));
        }
        return left == 0;
    });
}

/// In the order of their names, so that the first of several equal sets is always the same.
Indices by_name(const std::vector<EvictionCandidate>& candidates) {
    Indices order(candidates.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::sort(order, {}, [&](std::size_t index) { return std::pair(candidates[index].name, index); });
    return order;
}

double cost_of(const std::vector<EvictionCandidate>& candidates, const Indices& chosen) {
    double sum = 0;
    for (const std::size_t index : chosen) {
        sum += candidates[index].cost;
    }
    return sum;
}

Indices exact(const std::vector<EvictionCandidate>& candidates, const Indices& order,
              const DeviceBytes& lacking) {
    const auto name = [&](std::size_t index) -> const std::string& { return candidates[index].name; };
    Indices best = order;
    double best_cost = cost_of(candidates, best);
    for (std::uint32_t set = 0; set < (1U << order.size()); ++set) {
        Indices chosen;
        for (std::size_t bit = 0; bit < order.size(); ++bit) {
            if ((set >> bit & 1U) != 0) {
                chosen.push_back(order[bit]);
            }
        }
        const double cost = cost_of(candidates, chosen);
        const auto rank = std::tuple(cost, chosen.size());
        const auto best_rank = std::tuple(best_cost, best.size());
        const bool better =
            rank < best_rank ||
            (rank == best_rank && std::ranges::lexicographical_compare(chosen, best, {}, name, name));
        if (better && frees(candidates, chosen, lacking)) {
            best = std::move(chosen);
            best_cost = cost;
        }
    }
    return best;
}

/// How much of what is missing it gives: the sum over devices, each as a share.
double usefulness(const EvictionCandidate& candidate, const DeviceBytes& lacking) {
    double sum = 0;
    for (const auto& [device, missing] : lacking) {
        const std::uint64_t useful = std::min(missing, bytes_on(candidate.bytes, device));
        sum += static_cast<double>(useful) / static_cast<double>(missing);
    }
    return sum;
}

Indices greedy(const std::vector<EvictionCandidate>& candidates, Indices order, const DeviceBytes& lacking) {
    std::erase_if(order, [&](std::size_t index) { return usefulness(candidates[index], lacking) <= 0; });
    std::ranges::sort(order, {}, [&](std::size_t index) {
        return std::tuple(candidates[index].cost / usefulness(candidates[index], lacking),
                          candidates[index].name, index);
    });
    Indices chosen;
    for (const std::size_t index : order) {
        chosen.push_back(index);
        if (frees(candidates, chosen, lacking)) {
            break;
        }
    }
    Indices dearest_first = chosen;
    std::ranges::sort(dearest_first, std::greater(), [&](std::size_t index) {
        return std::tuple(candidates[index].cost, candidates[index].name, index);
    });
    for (const std::size_t index : dearest_first) {
        Indices without = chosen;
        std::erase(without, index);
        if (frees(candidates, without, lacking)) {
            chosen = std::move(without);
        }
    }
    return chosen;
}

} // namespace

std::optional<std::vector<std::size_t>> choose_eviction(const std::vector<EvictionCandidate>& candidates,
                                                        const DeviceBytes& lacking) {
    const Indices order = by_name(candidates);
    if (!frees(candidates, order, lacking)) {
        return std::nullopt;
    }
    Indices chosen = candidates.size() <= exact_eviction_candidates ? exact(candidates, order, lacking)
                                                                    : greedy(candidates, order, lacking);
    std::ranges::sort(chosen);
    return chosen;
}

} // namespace hearth::runtime
