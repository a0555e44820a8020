#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// Who is loaded, who waits and who goes: the scheduler's decisions as a pure state machine. Events in, decisions
/// out; the time comes with each event; no thread, no clock, no I/O. The driver (scheduler.hpp) carries the decisions
/// out and tells what came of them; the simulator does the same with pretended models.
///
/// How long a request can wait (rule `cost`). With
///   R = the longest load, T = the longest turn: max(turn, R), or min(most_turn, 20 R) where that is more,
///   L = the longest answer, U = the longest unload (until its memory is seen free), P = the longest answer to `plan`,
///   N = the models that wait or load before its own when it comes,
/// a request is granted within
///   (N + 1) * (T + L + U + R + P)
/// where its model fits alone and no load fails. Who asks makes no difference to any decision. So steady traffic on one model never starves another. The other two
/// rules have no such bound.
namespace hearth::runtime {

using DeviceBytes = std::map<std::string, std::uint64_t>; ///< by device id: "cpu", "gpu0"

/// By which rule idle models are chosen to go, and when a waiting request gets its turn.
enum class SwitchRule {
    cost, ///< ours: reload seconds x chance of reuse x priority, turns, a protected share for small models
    lru,  ///< the model used longest ago goes, idle ones first, at once: a busy one takes no new requests
    ollama ///< the shortest keep-alive goes, then by name; one queue, first come, first served (features.md 2.7)
};

struct ArbiterSettings {
    SwitchRule rule = SwitchRule::cost;
    /// Of ours: a model that was loaded stays at least this long, or as long as its load took, while it is in use and
    /// another waits. After that what is in a waiting one's way takes no new requests.
    std::chrono::nanoseconds turn = std::chrono::seconds(15);
    /// Of ours: at most this long a turn is where programs use both models, asking at once after each answer. See turn_of.
    std::chrono::nanoseconds most_turn = std::chrono::seconds(75);
    /// Of ours: at most this long an idle model stays, within its turn, for its next request, though another waits;
    /// where programs use both for as long as a swap takes.
    std::chrono::nanoseconds most_linger = std::chrono::seconds(2);
    double small_share =
        0.15; ///< of a device's budget that small models (embeddings) do not lose to large ones
    double small_model = 0.05; ///< of a device's budget: up to this a model is small
    std::chrono::nanoseconds reuse_horizon =
        std::chrono::seconds(90); ///< a model that is asked for later than this may as well be loaded again
};

using RequestId = std::uint64_t;
using ArbiterTime = std::chrono::steady_clock::time_point;

struct ArbiterRequest {
    RequestId id = 0;
    std::string model; ///< key: the same files and backend
    double priority = 1;
    std::string name{}; ///< of the model, for people; empty: its key
};

/// What a load will take, from the plan.
struct ModelNeed {
    DeviceBytes bytes;
    std::chrono::nanoseconds reload{}; ///< how long loading it takes, guessed; what loads took replaces it
};

/// Bytes that programs can still allocate, as the system says now, and what all our models may hold together.
struct Budget {
    DeviceBytes free;  ///< absent devices: nobody can say, no bound
    DeviceBytes limit; ///< absent devices have none
};

struct Decision {
    enum class Kind {
        plan, ///< find out what `model` needs; answer with `planned`, or `ended` for its requests and `gone`
        load, ///< its memory is reserved; answer with `loaded` or `gone`
        unload, ///< end it; answer with `gone` when its memory is seen to be free
        grant   ///< `request` may use `model`, until `ended`
    };
    Kind kind = Kind::grant;
    std::string model;
    RequestId request = 0; ///< of a grant
    std::string reason;    ///< of an unload, for people: "keep-alive ended", "made room for qwen"
};

/// Where a waiting request stands.
struct Place {
    int ahead = 0;      ///< models that wait or load before this one: N of the bound
    std::string reason; ///< for people: "llama3.2 is in use by 2 requests, for at most 12 s more"
    bool soon = false;  ///< nobody else is waited for: it is planned or loaded, or room is being freed
};

/// Owned by the driver, used on one thread. Events first, then `decide`: every decision it returns has been noted as
/// done. Events about requests and models that it does not know are ignored.
class Arbiter {
  public:
    explicit Arbiter(ArbiterSettings settings);
    ~Arbiter();
    Arbiter(Arbiter&&) noexcept;
    Arbiter& operator=(Arbiter&&) noexcept;

    // What happened.
    void requested(const ArbiterRequest& request, ArbiterTime now);
    /// The answer is complete, or whoever waited has left.
    void ended(RequestId request, ArbiterTime now);
    /// The answer to a `plan`. What can never be loaded is the driver's to refuse: it ends the requests, then `gone`.
    void planned(const std::string& model, const ModelNeed& need, ArbiterTime now);
    /// @param held  what it holds from now on, as the backend reports or as planned where that is more
    void loaded(const std::string& model, const DeviceBytes& held, std::chrono::nanoseconds took,
                ArbiterTime now);
    /// Its process is reaped and its memory seen free; also a load that failed, and a runner that died. Requests that
    /// ran on it have ended; those that wait for it get a new load.
    void gone(const std::string& model, ArbiterTime now);
    /// From now, or from the end of its last request; negative: for ever. A model without one is kept until its memory
    /// is wanted.
    void keep(const std::string& model, std::chrono::nanoseconds keep_alive, ArbiterTime now);
    /// It takes no new requests and goes when the running ones end; requests that wait for it get a new load.
    void retire(const std::string& model, std::string reason);
    /// It goes at once, in use or not.
    void dismiss(const std::string& model, std::string reason);

    std::vector<Decision> decide(const Budget& budget, ArbiterTime now);
    /// When `decide` may have something to say without an event, as of the last `decide`; nullopt: never.
    std::optional<ArbiterTime> next_wake() const;
    /// Of a request that is not granted; nullopt: it is, or is unknown. As of the last `decide`.
    std::optional<Place> place(RequestId request, ArbiterTime now) const;
    /// Why a model takes no new requests, for people; empty: it does, or is unknown.
    std::string going(const std::string& model) const;

  private:
    struct State; ///< scheduler/arbiter_state.hpp
    std::unique_ptr<State> state_;
};

} // namespace hearth::runtime
