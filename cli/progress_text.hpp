#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

/// Pieces of progress lines.
namespace hearth::cli {

/// 0 … 100, rounded down; 0 when the total is 0.
std::uint64_t percent(std::uint64_t completed, std::uint64_t total);

/// ", 52 MB/s, 54s left"; empty while the rate is unknown.
/// @param rate  bytes per second
std::string rate_text(double rate, std::uint64_t left);

/// "[====      ] ", `columns` between the brackets.
std::string bar(std::uint64_t completed, std::uint64_t total, std::size_t columns);

} // namespace hearth::cli
