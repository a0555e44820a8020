#pragma once

#include "runtime/scheduler/arbiter.hpp"

#include <deque>
#include <optional>

namespace hearth::runtime {

/// When a model was used, as far as that tells when it will be used again. By whom does not count: an app may come
/// under another name with each request. A value; the time comes with each call.
class UsageRecord {
  public:
    /// @param idle  nobody else used it or waited for it
    void note_request(ArbiterTime now, bool idle);
    void note_end(ArbiterTime now);

    ArbiterTime last_use() const { return last_use_; }

    /// Since the last request ended; nullopt: none did.
    std::optional<std::chrono::nanoseconds> pause(ArbiterTime now) const;

    /// That a request comes within `horizon`: by how long it usually lies idle, once it has lain idle for as long as it
    /// does now (who just got an answer reads it first), and by the rate at which users returned, which decays and is
    /// never more than the time that it already lies idle makes likely.
    double chance_of_reuse(ArbiterTime now, std::chrono::nanoseconds horizon) const;

    struct Return {
        ArbiterTime by;    ///< a request comes until then, or not soon
        double chance = 0; ///< that it does
    };
    /// Of an idle model: whether the next request comes within `most` of the last end, by the gaps that there were
    /// before. nullopt: probably not, or nobody can say.
    std::optional<Return> expected_return(std::chrono::nanoseconds most, ArbiterTime now) const;

  private:
    double chance_by_rate(ArbiterTime now, std::chrono::nanoseconds horizon) const;

    ArbiterTime last_use_{};              ///< a request came or ended
    std::optional<ArbiterTime> last_end_; ///< a request ended
    double returns_ = 0;                  ///< requests that found it idle, decayed up to `counted_`
    ArbiterTime counted_{};
    std::deque<std::chrono::nanoseconds> gaps_; ///< idle, until a request came; the latest last
};

} // namespace hearth::runtime
