#pragma once

#include "base/time.hpp"
#include "cli/rate_meter.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::cli {

/// One line of progress for a person. On a terminal: a bar, redrawn at most ten times a second and wiped at the
/// end. Elsewhere: a plain line for every ten percent. Takes the clock and the sink, so that tests drive both.
class ProgressLine {
  public:
    using Sink = std::function<void(std::string_view)>;

    /// @param width  columns of the terminal; nothing when there is none
    ProgressLine(std::optional<std::size_t> width, const Clock& clock, Sink sink);
    /// Wipes the line.
    ~ProgressLine();
    ProgressLine(const ProgressLine&) = delete;

    /// @param step  what is being done; another one starts from 0
    void show(const std::string& step, std::uint64_t completed, std::uint64_t total);

  private:
    std::string line(std::uint64_t completed, std::uint64_t total) const;

    std::optional<std::size_t> width_;
    const Clock& clock_;
    Sink sink_;
    std::string step_;
    RateMeter rate_;
    std::optional<RateMeter::Time> last_draw_;
    std::uint64_t last_tenth_ = 0;
    bool drawn_ = false;
};

} // namespace hearth::cli
