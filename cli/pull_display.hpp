#pragma once

#include "base/json.hpp"
#include "base/time.hpp"
#include "cli/rate_meter.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::cli {

/// Shows the events of a pull to a person. On a terminal: a line for each file that is under way, redrawn at
/// most ten times a second; finished files scroll away above. Elsewhere: a plain line at the start, for every
/// ten percent or thirty seconds, and at the end. Takes the clock and the sink, so that tests drive both.
class PullDisplay {
  public:
    using Sink = std::function<void(std::string_view)>;

    /// @param width  columns of the terminal; nothing when there is none
    PullDisplay(std::string name, std::optional<std::size_t> width, const Clock& clock, Sink sink);

    /// One event of /api/pull.
    void show(const Json& event);
    /// The pull has succeeded: the last lines.
    /// @param kept_as  the model's name in the store; of a file or URL it differs from what was asked for
    void finish(const std::string& kept_as);

  private:
    struct Layer {
        std::string digest;
        std::uint64_t total = 0;
        std::uint64_t completed = 0;
        std::uint64_t resumed_at = 0; ///< what an earlier try had left
        RateMeter rate;
        bool announced = false; ///< its finished line is printed
    };
    using Time = RateMeter::Time;

    Layer& layer_of(const std::string& digest);
    std::uint64_t total() const;
    std::uint64_t completed() const;
    void keep_line(const std::string& text);
    void draw(bool now_or_later);
    void print_step();
    std::string finished_lines();
    std::string layer_line(const Layer& layer) const;

    std::string name_;
    std::optional<std::size_t> width_;
    const Clock& clock_;
    Sink sink_;
    std::vector<Layer> layers_;
    RateMeter rate_; ///< of everything together
    std::string status_;
    std::size_t drawn_lines_ = 0;
    std::optional<Time> last_draw_;
    Time last_step_time_;
    std::uint64_t last_step_ = 0; ///< tenth that was printed last
};

} // namespace hearth::cli
