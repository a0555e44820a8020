#pragma once

#include "registry/pull/pull_engine.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace hearth::registry {

/// What one pull has told so far, to everyone who listens to it. Numbers never fall; a layer speaks at most
/// ten times a second, and always at its end. Someone who joins late first hears where things stand. On the
/// io executor.
class ProgressBoard {
  public:
    using Listener = std::function<void(const PullProgress&)>;
    using ListenerId = std::uint64_t;

    ListenerId join(Listener listener);
    void leave(ListenerId id);
    bool has_listeners() const noexcept { return !listeners_.empty(); }

    /// A step without numbers: "pulling manifest".
    void step(std::string status);
    /// Bytes of one layer. `status` names the line; equal names are one line.
    void bytes(const std::string& status, const std::optional<Digest>& digest, std::uint64_t total,
               std::uint64_t completed);

  private:
    struct Line {
        PullProgress progress;
        std::chrono::steady_clock::time_point told;
    };
    void tell(const PullProgress& progress);

    std::map<ListenerId, Listener> listeners_;
    ListenerId next_id_ = 0;
    std::vector<Line> lines_; // in the order of their first appearance
};

} // namespace hearth::registry
