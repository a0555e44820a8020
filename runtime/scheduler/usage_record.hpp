#pragma once

#include "runtime/scheduler/arbiter.hpp"

#include <deque>

namespace hearth::runtime {

/// When a model was used, as far as that tells when it will be used again. A value; the time comes with each call.
class UsageRecord {
  public:
    /// @param idle  nobody else used it or waited for it
    void note_request(const std::string& app, ArbiterTime now, bool idle);
    void note_end(const std::string& app, ArbiterTime now);

    ArbiterTime last_use() const { return last_use_; }

    /// That a request comes within `horizon`: by the rate at which users returned to it, which decays, and never more
    /// than the time it already lies idle makes likely.
    double chance_of_reuse(ArbiterTime now, std::chrono::nanoseconds horizon) const;

    struct Return {
        ArbiterTime by;    ///< they return until then, or not soon
        double chance = 0; ///< that they do
    };
    /// Whether who used it last returns within `most` of the end, by the gaps between an app's requests. nullopt:
    /// probably not, or nobody can say.
    std::optional<Return> expected_return(std::chrono::nanoseconds most, ArbiterTime now) const;

  private:
    struct Gaps {
        std::optional<ArbiterTime> ended; ///< its last request; absent: one is under way
        int running = 0;
        std::deque<std::chrono::nanoseconds> recent; ///< from an end to the next request, the latest last
    };
    Gaps& gaps_of(const std::string& app);

    ArbiterTime last_use_{}; ///< a request came or ended
    double returns_ = 0;     ///< requests that found it idle, decayed up to `counted_`
    ArbiterTime counted_{};
    std::map<std::string, Gaps> apps_; ///< a few: who has not come for the longest time is dropped
};

} // namespace hearth::runtime
