#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace hearth {

/// The candidate that a typing mistake could have turned into `name`: Damerau-Levenshtein distance at most 2,
/// and smaller than the name itself. Nothing when none is that near. For "did you mean" texts.
std::optional<std::string_view> nearest_name(std::string_view name,
                                             std::span<const std::string_view> candidates);

} // namespace hearth
