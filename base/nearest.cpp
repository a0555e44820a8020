#include "base/nearest.hpp"

#include <algorithm>
#include <vector>

namespace hearth {
namespace {

/// Optimal string alignment: insert, delete, replace, swap of neighbours each cost one.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    const std::size_t width = b.size() + 1;
    std::vector<std::size_t> cost((a.size() + 1) * width);
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j < width; ++j) {
            std::size_t& here = cost[i * width + j];
            if (i == 0 || j == 0) {
                here = i + j;
                continue;
            }
            const std::size_t replace = cost[(i - 1) * width + j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            here = std::min({cost[(i - 1) * width + j] + 1, cost[i * width + j - 1] + 1, replace});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                here = std::min(here, cost[(i - 2) * width + j - 2] + 1);
            }
        }
    }
    return cost.back();
}

} // namespace

std::optional<std::string_view> nearest_name(std::string_view name,
                                             std::span<const std::string_view> candidates) {
    constexpr std::size_t longest = 200; // the table is quadratic; nobody mistypes a name of this size
    std::optional<std::string_view> best;
    std::size_t best_distance = std::min<std::size_t>(3, name.size());
    for (const std::string_view candidate : candidates) {
        if (name.size() > longest || candidate.size() > longest) {
            continue;
        }
        const std::size_t distance = edit_distance(name, candidate);
        if (distance < best_distance) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

} // namespace hearth
