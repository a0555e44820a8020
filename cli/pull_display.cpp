#include "cli/pull_display.hpp"

#include "base/config.hpp"
#include "cli/progress_text.hpp"
#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace hearth::cli {
namespace {

constexpr std::chrono::milliseconds redraw_pause(100);
constexpr std::chrono::seconds step_pause(30);
constexpr std::size_t widest_bar = 40;
constexpr std::size_t narrowest_bar = 8;

/// 12 digits of a digest; a file from an address has no digest before its last byte and is told by the
/// status.
std::string short_digest(const std::string& key) {
    constexpr std::string_view prefix = "sha256:";
    constexpr std::string_view verb = "pulling ";
    if (key.starts_with(prefix)) {
        return key.substr(prefix.size(), 12);
    }
    return key.starts_with(verb) ? key.substr(verb.size()) : key;
}

std::uint64_t bytes_member(const Json& event, const char* key) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, get_integer(event, key).value_or(0)));
}

} // namespace

PullDisplay::PullDisplay(std::string name, std::optional<std::size_t> width, const Clock& clock, Sink sink)
    : name_(printable_line(name)), width_(width), clock_(clock), sink_(std::move(sink)),
      last_step_time_(clock.steady_now()) {
    if (!width_) {
        sink_("pulling " + name_ + "\n");
    }
}

PullDisplay::Layer& PullDisplay::layer_of(const std::string& digest) {
    const auto found = std::find_if(layers_.begin(), layers_.end(),
                                    [&](const Layer& layer) { return layer.digest == digest; });
    if (found != layers_.end()) {
        return *found;
    }
    layers_.push_back({});
    layers_.back().digest = digest;
    return layers_.back();
}

std::uint64_t PullDisplay::total() const {
    std::uint64_t sum = 0;
    for (const Layer& layer : layers_) {
        sum += layer.total;
    }
    return sum;
}

std::uint64_t PullDisplay::completed() const {
    std::uint64_t sum = 0;
    for (const Layer& layer : layers_) {
        sum += layer.completed;
    }
    return sum;
}

void PullDisplay::show(const Json& event) {
    const std::string status = printable_line(get_string(event, "status").value_or(""));
    auto digest = get_string(event, "digest");
    if (!digest && event.contains("total")) {
        digest = status;
    }
    const bool changed = status != std::exchange(status_, status);
    if (digest) {
        const bool is_new =
            layers_.empty() || std::none_of(layers_.begin(), layers_.end(),
                                            [&](const Layer& layer) { return layer.digest == *digest; });
        Layer& layer = layer_of(*digest);
        layer.total = bytes_member(event, "total");
        layer.completed = std::min(std::max(layer.completed, bytes_member(event, "completed")), layer.total);
        layer.resumed_at = is_new && layer.completed < layer.total ? layer.completed : layer.resumed_at;
        if (is_new) { // bytes that were there before are no work of ours
            rate_ = RateMeter();
        }
        layer.rate.add(clock_.steady_now(), layer.completed);
        rate_.add(clock_.steady_now(), completed());
    }
    if (changed && status.starts_with("taking ")) {
        keep_line(status);
    } else if (width_) {
        draw(changed && !digest);
    } else {
        print_step();
    }
}

std::string PullDisplay::layer_line(const Layer& layer) const {
    const double rate = layer.rate.bytes_per_second(clock_.steady_now());
    std::string text = fmt::format("{:>3}%  {} of {}{}", percent(layer.completed, layer.total),
                                   format_bytes(layer.completed), format_bytes(layer.total),
                                   rate_text(rate, layer.total - layer.completed));
    if (layer.resumed_at > 0) {
        text += " (resumed at " + format_bytes(layer.resumed_at) + ")";
    }
    const std::string head = printable_line(short_digest(layer.digest)) + "  ";
    const std::size_t used =
        display_width(head) + display_width(text) + 4; // brackets, a space, the last column
    if (used + narrowest_bar > *width_) {
        return elide(head + text, *width_ - 1);
    }
    return head + bar(layer.completed, layer.total, std::min(widest_bar, *width_ - used)) + text;
}

/// Lines that stay: each finished file once.
std::string PullDisplay::finished_lines() {
    std::string text;
    for (Layer& layer : layers_) {
        if (layer.total > 0 && layer.completed == layer.total && !std::exchange(layer.announced, true)) {
            text += elide(fmt::format("{}  done  {}", printable_line(short_digest(layer.digest)),
                                      format_bytes(layer.total)),
                          *width_ - 1) +
                    "\x1b[K\n";
        }
    }
    return text;
}

/// What was chosen for the user stays to be read.
void PullDisplay::keep_line(const std::string& text) {
    if (!width_) {
        sink_(text + "\n");
        return;
    }
    const std::string back = drawn_lines_ > 0 ? fmt::format("\x1b[{}A\r", drawn_lines_) : "";
    drawn_lines_ = 0;
    sink_(back + elide(text, *width_ - 1) + "\x1b[K\n\x1b[J");
}

void PullDisplay::draw(bool now_or_later) {
    const Time now = clock_.steady_now();
    if (!now_or_later && last_draw_ && now - *last_draw_ < redraw_pause) {
        return;
    }
    last_draw_ = now;
    std::string text = drawn_lines_ > 0 ? fmt::format("\x1b[{}A\r", drawn_lines_) : "";
    text += finished_lines();
    drawn_lines_ = 0;
    for (const Layer& layer : layers_) {
        if (!layer.announced) {
            text += layer_line(layer) + "\x1b[K\n";
            ++drawn_lines_;
        }
    }
    const std::string summary =
        layers_.size() > 1 && completed() < total()
            ? fmt::format("{}: {}% of {}{}", name_, percent(completed(), total()), format_bytes(total()),
                          rate_text(rate_.bytes_per_second(now), total() - completed()))
            : fmt::format("{}: {}", name_, status_);
    text += elide(summary, *width_ - 1) + "\x1b[K\n\x1b[J";
    ++drawn_lines_;
    sink_(text);
}

void PullDisplay::print_step() {
    const Time now = clock_.steady_now();
    const std::uint64_t step = percent(completed(), total()) / 10;
    if (total() == 0 || step == 10 || (step <= last_step_ && now - last_step_time_ < step_pause)) {
        return;
    }
    last_step_ = std::max(step, last_step_);
    last_step_time_ = now;
    sink_(fmt::format("pulling {}: {}% ({} of {}{})\n", name_, percent(completed(), total()),
                      format_bytes(completed()), format_bytes(total()),
                      rate_text(rate_.bytes_per_second(now), total() - completed())));
}

void PullDisplay::finish(const std::string& kept_as) {
    const std::string done = fmt::format("pulled {} ({})\n", printable_line(kept_as), format_bytes(total()));
    if (!width_) {
        sink_(done);
        return;
    }
    std::string text = drawn_lines_ > 0 ? fmt::format("\x1b[{}A\r", drawn_lines_) : "";
    text += finished_lines() + done.substr(0, done.size() - 1) + "\x1b[K\n\x1b[J";
    drawn_lines_ = 0;
    sink_(text);
}

} // namespace hearth::cli
