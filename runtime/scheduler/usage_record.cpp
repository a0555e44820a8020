#include "runtime/scheduler/usage_record.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <ranges>

namespace hearth::runtime {

namespace {

using Seconds = std::chrono::duration<double>;
using namespace std::chrono_literals;

constexpr Seconds half_life =
    5min;                      ///< of a return: a working day's changes are seen, a pause for coffee is not
constexpr double patience = 2; ///< after an idle time t, a rate above patience / t is not believed any more
constexpr std::size_t gaps_kept = 8;
constexpr std::size_t apps_kept = 16;
constexpr double return_slack = 1.25;
constexpr auto return_grace = 50ms; ///< a gap of next to nothing still needs a moment

double decay(Seconds passed) {
    return std::exp2(-std::max(passed, Seconds(0)) / half_life);
}

} // namespace

UsageRecord::Gaps& UsageRecord::gaps_of(const std::string& app) {
    if (!apps_.contains(app) && apps_.size() >= apps_kept) {
        const auto oldest = std::ranges::min_element(
            apps_, {}, [](const auto& item) { return item.second.ended.value_or(ArbiterTime::max()); });
        apps_.erase(oldest);
    }
    return apps_[app];
}

void UsageRecord::note_request(const std::string& app, ArbiterTime now, bool idle) {
    if (idle) {
        returns_ = 1 + returns_ * decay(now - counted_);
        counted_ = now;
    }
    last_use_ = now;
    Gaps& gaps = gaps_of(app);
    if (gaps.ended && gaps.running == 0) {
        gaps.recent.emplace_back(now - *gaps.ended);
        if (gaps.recent.size() > gaps_kept) {
            gaps.recent.pop_front();
        }
    }
    ++gaps.running;
    gaps.ended.reset();
}

void UsageRecord::note_end(const std::string& app, ArbiterTime now) {
    last_use_ = now;
    Gaps& gaps = gaps_of(app);
    gaps.running = std::max(0, gaps.running - 1);
    if (gaps.running == 0) {
        gaps.ended = now;
    }
}

double UsageRecord::chance_of_reuse(ArbiterTime now, std::chrono::nanoseconds horizon) const {
    double rate = returns_ * decay(now - counted_) * std::numbers::ln2 / half_life.count();
    const Seconds idle = now - last_use_;
    if (idle > Seconds(0)) {
        rate = std::min(rate, patience / idle.count());
    }
    return -std::expm1(-rate * Seconds(horizon).count());
}

std::optional<UsageRecord::Return> UsageRecord::expected_return(std::chrono::nanoseconds most,
                                                                ArbiterTime now) const {
    std::optional<Return> latest;
    for (const Gaps& gaps : std::views::values(apps_)) {
        std::chrono::nanoseconds longest{};
        std::size_t soon = 0;
        for (const auto gap : gaps.recent | std::views::filter([&](auto one) { return one <= most; })) {
            longest = std::max(longest, gap);
            ++soon;
        }
        if (!gaps.ended || soon == 0 || soon * 2 < gaps.recent.size()) {
            continue;
        }
        const auto expected = std::chrono::duration_cast<std::chrono::nanoseconds>(longest * return_slack);
        const ArbiterTime by = *gaps.ended + std::min(most, expected + return_grace);
        if (by > now && (!latest || by > latest->by)) {
            latest = Return{by, static_cast<double>(soon) / static_cast<double>(gaps.recent.size())};
        }
    }
    return latest;
}

} // namespace hearth::runtime
