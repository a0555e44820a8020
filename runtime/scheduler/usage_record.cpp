#include "runtime/scheduler/usage_record.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hearth::runtime {

namespace {

using Seconds = std::chrono::duration<double>;
using namespace std::chrono_literals;

constexpr Seconds half_life =
    5min;                      ///< of a return: a working day's changes are seen, a pause for coffee is not
constexpr double patience = 2; ///< after an idle time t, a rate above patience / t is not believed any more
constexpr std::size_t gaps_kept = 16;
constexpr std::size_t gaps_for_return = 8; ///< of the kept ones the latest, which tell whether it comes soon
constexpr double rate_weight = 3;          ///< the rate counts as much as so many gaps
constexpr double return_slack = 1.25;
constexpr auto return_grace = 50ms; ///< a gap of next to nothing still needs a moment

double decay(Seconds passed) {
    return std::exp2(-std::max(passed, Seconds(0)) / half_life);
}

} // namespace

void UsageRecord::note_request(ArbiterTime now, bool idle) {
    if (idle) {
        returns_ = 1 + returns_ * decay(now - counted_);
        counted_ = now;
        if (last_end_) {
            gaps_.emplace_back(now - *last_end_);
        }
        if (gaps_.size() > gaps_kept) {
            gaps_.pop_front();
        }
    }
    last_use_ = now;
}

void UsageRecord::note_end(ArbiterTime now) {
    last_use_ = now;
    last_end_ = now;
}

std::optional<std::chrono::nanoseconds> UsageRecord::pause(ArbiterTime now) const {
    return last_end_ ? std::optional(now - *last_end_) : std::nullopt;
}

double UsageRecord::chance_by_rate(ArbiterTime now, std::chrono::nanoseconds horizon) const {
    double rate = returns_ * decay(now - counted_) * std::numbers::ln2 / half_life.count();
    const Seconds idle = now - last_use_;
    if (idle > Seconds(0)) {
        rate = std::min(rate, patience / idle.count());
    }
    return -std::expm1(-rate * Seconds(horizon).count());
}

double UsageRecord::chance_of_reuse(ArbiterTime now, std::chrono::nanoseconds horizon) const {
    const double by_rate = chance_by_rate(now, horizon);
    if (!last_end_) {
        return by_rate;
    }
    const auto idle = now - *last_end_;
    const auto longer = std::ranges::count_if(gaps_, [&](auto gap) { return gap > idle; });
    const auto later = std::ranges::count_if(gaps_, [&](auto gap) { return gap > idle + horizon; });
    const auto returned = static_cast<double>(longer - later);
    return longer == 0 ? by_rate
                       : (returned + rate_weight * by_rate) / (static_cast<double>(longer) + rate_weight);
}

std::optional<UsageRecord::Return> UsageRecord::expected_return(std::chrono::nanoseconds most,
                                                                ArbiterTime now) const {
    const std::size_t count = std::min(gaps_.size(), gaps_for_return);
    std::chrono::nanoseconds longest{};
    std::size_t soon = 0;
    for (auto gap = gaps_.end() - static_cast<std::ptrdiff_t>(count); gap != gaps_.end(); ++gap) {
        if (*gap <= most) {
            longest = std::max(longest, *gap);
            ++soon;
        }
    }
    if (!last_end_ || soon == 0 || soon * 2 < count) {
        return std::nullopt;
    }
    const auto expected = std::chrono::duration_cast<std::chrono::nanoseconds>(longest * return_slack);
    const ArbiterTime by = *last_end_ + std::min(most, expected + return_grace);
    return by > now ? std::optional(Return{by, static_cast<double>(soon) / static_cast<double>(count)})
                    : std::nullopt;
}

} // namespace hearth::runtime
