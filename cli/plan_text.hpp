#pragma once

#include "base/json.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace hearth::cli {

/// A plan of /hearth/v1/plan for people: a row for each quantization (size, memory on each device, context, whether it
/// fits, tokens per second, quality), the pick marked, then the pick's reason, the next better and worse, or what comes
/// nearest. Members that are absent give empty cells.
///
/// @param width  columns of the terminal; nothing: for a program, tabs between the cells
std::string plan_text(const Json& plan, std::optional<std::size_t> width);

} // namespace hearth::cli
