#include "cli/progress_line.hpp"

#include "base/config.hpp"
#include "cli/progress_text.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace hearth::cli {

namespace {

constexpr std::chrono::milliseconds redraw_pause(100);
constexpr std::size_t widest_bar = 40;
constexpr std::size_t narrowest_bar = 8;

} // namespace

ProgressLine::ProgressLine(std::optional<std::size_t> width, const Clock& clock, Sink sink)
    : width_(width), clock_(clock), sink_(std::move(sink)) {}

ProgressLine::~ProgressLine() {
    if (drawn_) {
        sink_("\r\x1b[K");
    }
}

void ProgressLine::show(const std::string& step, std::uint64_t completed, std::uint64_t total) {
    completed = std::min(completed, total);
    const bool is_new = step != step_;
    if (is_new) {
        step_ = step;
        rate_ = RateMeter();
        last_tenth_ = 0;
    }
    const RateMeter::Time now = clock_.steady_now();
    rate_.add(now, completed);
    if (!width_) {
        const std::uint64_t tenth = percent(completed, total) / 10;
        if (is_new || tenth > last_tenth_) {
            last_tenth_ = tenth;
            sink_(fmt::format("{}: {}% of {}\n", printable_line(step_), percent(completed, total),
                              format_bytes(total)));
        }
        return;
    }
    if (!is_new && last_draw_ && now - *last_draw_ < redraw_pause) {
        return;
    }
    last_draw_ = now;
    drawn_ = true;
    sink_("\r" + line(completed, total) + "\x1b[K");
}

std::string ProgressLine::line(std::uint64_t completed, std::uint64_t total) const {
    const double rate = rate_.bytes_per_second(clock_.steady_now());
    const std::string head = printable_line(step_) + "  ";
    const std::string text =
        fmt::format("{:>3}%  {} of {}{}", percent(completed, total), format_bytes(completed),
                    format_bytes(total), rate_text(rate, total - completed));
    const std::size_t used =
        display_width(head) + display_width(text) + 4; // brackets, a space, the last column
    if (used + narrowest_bar > *width_) {
        return elide(head + text, *width_ - 1);
    }
    return head + bar(completed, total, std::min(widest_bar, *width_ - used)) + text;
}

} // namespace hearth::cli
