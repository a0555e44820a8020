#include "cli/progress_text.hpp"

#include "base/config.hpp"
#include "cli/human_time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace hearth::cli {

std::uint64_t percent(std::uint64_t completed, std::uint64_t total) {
    return total == 0 ? 0
                      : static_cast<std::uint64_t>(100.0 * static_cast<double>(completed) /
                                                   static_cast<double>(total));
}

std::string rate_text(double rate, std::uint64_t left) {
    if (rate < 1) {
        return {};
    }
    const double seconds = std::min(static_cast<double>(left) / rate, 1e7);
    const auto remaining = std::chrono::seconds(std::lround(seconds));
    return fmt::format(", {}/s, {} left", format_bytes(static_cast<std::uint64_t>(rate)),
                       short_duration(remaining));
}

std::string bar(std::uint64_t completed, std::uint64_t total, std::size_t columns) {
    const auto done = static_cast<std::size_t>(percent(completed, total) * columns / 100);
    return "[" + std::string(done, '=') + std::string(columns - done, ' ') + "] ";
}

} // namespace hearth::cli
