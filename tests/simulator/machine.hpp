#pragma once

#include "tests/simulator/trace.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hearth::simulator {

/// To end a process and to see its memory free: as seen on real runners.
inline constexpr Seconds unload_time{0.2};

/// The pretended machine: loads share one disk, models that compute share their device, requests on one model
/// slow each other a little. A plain value; time moves only by `advance`.
class Machine {
  public:
    enum class Done { loaded, unloaded, answered };
    struct Event {
        Done what;
        const PretendedModel* model;
        runtime::RequestId request; ///< of `answered`
    };

    void load(const PretendedModel& model);
    void unload(const PretendedModel& model);
    void answer(runtime::RequestId request, const PretendedModel& model, const Ask& ask);

    bool ready(const std::string& model) const;
    /// When the next event comes if nothing else happens before; nullopt: never.
    std::optional<runtime::ArbiterTime> next() const;
    /// Moves the clock. @param to  not after `next()` @return what is done by then, in the order it was begun
    std::vector<Event> advance(runtime::ArbiterTime to);
    runtime::ArbiterTime now() const { return now_; }

    /// Allocated: of a model that is loading, as far as it came.
    runtime::DeviceBytes allocated() const;
    /// What all models have or will have when their loads are done.
    runtime::DeviceBytes promised() const;

  private:
    struct Work {
        Done kind;
        const PretendedModel* model;
        runtime::RequestId request;
        Seconds alone; ///< all of it, undisturbed
        Seconds left;
    };

    double rate(const Work& work) const;
    std::size_t count(Done kind, const PretendedModel* model) const;

    runtime::ArbiterTime now_{};
    std::vector<Work> work_;
    std::map<std::string, const PretendedModel*> present_;
};

} // namespace hearth::simulator
