#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// Who is loaded, who waits and who goes: the scheduler's decisions as a pure state machine. Events in, decisions
/// out; the time comes with each event; no thread, no clock, no I/O. The driver (scheduler.hpp) carries the decisions
/// out and tells what came of them; the simulator does the same with pretended models.
namespace hearth::runtime {

using DeviceBytes = std::map<std::string, std::uint64_t>; ///< by device id: "cpu", "gpu0"

/// By which rule idle models are chosen to go, and when a waiting request gets its turn.
enum class SwitchRule {
    cost, ///< ours: reload seconds x chance of reuse x priority, turns, a protected share for small models
    lru,  ///< the model used longest ago goes, at once
    ollama ///< the shortest keep-alive goes, then by name; one queue, first come, first served (features.md 2.7)
};

struct ArbiterSettings {
    SwitchRule rule = SwitchRule::cost;
    /// Of ours: after this long a waiting request's turn comes: what is in its way takes no new requests.
    std::chrono::nanoseconds turn = std::chrono::seconds(15);
    /// Of ours: at most this long an idle model stays for the next request of whoever just used it, though another waits.
    std::chrono::nanoseconds most_linger = std::chrono::seconds(2);
    double small_share =
        0.15; ///< of a device's budget that small models (embeddings) do not lose to large ones
};

using RequestId = std::uint64_t;
using ArbiterTime = std::chrono::steady_clock::time_point;

struct ArbiterRequest {
    RequestId id = 0;
    std::string model; ///< key: the same files and backend
    std::string app;   ///< who asks: a token's name or a program
    double priority = 1;
};

/// What a load will take, from the plan.
struct ModelNeed {
    DeviceBytes bytes;
    std::chrono::nanoseconds reload{}; ///< how long loading it takes, measured or guessed from its size
};

/// Bytes that programs can still allocate, as the system says now, and what all our models may hold together.
struct Budget {
    DeviceBytes free;
    DeviceBytes limit; ///< absent devices have none
};

struct Decision {
    enum class Kind {
        plan,   ///< find out what `model` needs; answer with `planned`
        load,   ///< its memory is reserved; answer with `loaded` or `gone`
        unload, ///< end it; answer with `gone` when its memory is seen to be free
        grant   ///< `request` may use `model`, until `ended`
    };
    Kind kind = Kind::grant;
    std::string model;
    RequestId request = 0;
    std::string reason; ///< for people: "keep-alive ended", "made room for qwen"
};

/// Where a waiting request stands.
struct Place {
    int ahead = 0;      ///< models whose turn comes before this one's
    std::string reason; ///< for people: "llama3.2 is in use by 2 requests; at most 12 s"
};

/// A plain value on one thread. Events first, then `decide`: every decision it returns has been noted as done.
class Arbiter {
  public:
    explicit Arbiter(ArbiterSettings settings);

    // What happened.
    void requested(const ArbiterRequest& request, ArbiterTime now);
    /// The answer is complete, or whoever waited has left.
    void ended(RequestId request, ArbiterTime now);
    /// The answer to a `plan`. What can never be loaded is the driver's to refuse: it ends the requests, then `gone`.
    void planned(const std::string& model, const ModelNeed& need, ArbiterTime now);
    /// @param held  what the backend reports
    void loaded(const std::string& model, const DeviceBytes& held, std::chrono::nanoseconds took,
                ArbiterTime now);
    /// Its process is reaped and its memory seen free; also a load that failed, and a runner that died.
    void gone(const std::string& model, ArbiterTime now);
    /// From the end of its last request; negative: for ever.
    void keep(const std::string& model, std::chrono::nanoseconds keep_alive, ArbiterTime now);
    /// It takes no new requests and goes when the running ones end; requests that wait for it get a new load.
    void retire(const std::string& model, std::string reason);
    /// It goes at once, in use or not.
    void dismiss(const std::string& model, std::string reason);

    std::vector<Decision> decide(const Budget& budget, ArbiterTime now);
    /// When `decide` may have something to say without an event; nullopt: never.
    std::optional<ArbiterTime> next_wake() const;
    std::optional<Place> place(RequestId request, ArbiterTime now) const;
};

} // namespace hearth::runtime
