#pragma once

#include "runtime/scheduler/arbiter.hpp"

#include <optional>

namespace hearth::runtime {

/// How a model is used while it has its turn. By whom does not count. A value; the time comes with each call.
class TurnRecord {
  public:
    /// @param pause  since the last answer of this model; absent: there was none
    void note_request(std::optional<std::chrono::nanoseconds> pause);
    /// @param took  from the grant to the end
    void note_answer(std::chrono::nanoseconds took);

    /// Nearly all its requests follow at once on an answer: programs use it, not people.
    bool steady() const;
    /// Lately; zero: nothing is known.
    std::chrono::nanoseconds usual_answer() const { return usual_answer_; }
    /// So many requests of a steady model fit into `length` that fewer than one in twenty waits for the turn to come.
    bool quick(std::chrono::nanoseconds length) const;

  private:
    int requests_ = 0;           ///< that the share is of
    double follow_up_share_ = 0; ///< of the latest requests
    std::chrono::nanoseconds usual_answer_{};
    std::chrono::nanoseconds usual_pause_{}; ///< before a follow-up
};

} // namespace hearth::runtime
