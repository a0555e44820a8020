#pragma once

#include "runtime/scheduler/arbiter.hpp"
#include "runtime/scheduler/device_room.hpp"
#include "runtime/scheduler/turn_record.hpp"
#include "runtime/scheduler/usage_record.hpp"

#include <algorithm>
#include <deque>

namespace hearth::runtime {

template <class List, class Value> bool is_among(const List& list, const Value& value) {
    return std::ranges::find(list, value) != std::ranges::end(list);
}

struct WaitingRequest {
    ArbiterRequest request;
    ArbiterTime since;
};

/// One model, from its first request on; what is known about its use outlives its unloading.
struct ArbiterModel {
    enum class Stage {
        absent,
        planning,
        waiting, ///< for room: it is known what it needs
        loading,
        ready,
        leaving ///< told to end; its memory is not seen free yet
    };

    std::string key;
    std::string name; ///< for people
    Stage stage = Stage::absent;
    std::deque<WaitingRequest> queue;         ///< in the order they came
    std::map<RequestId, ArbiterTime> running; ///< since when
    double priority = 1;

    ModelNeed need;           ///< as planned last
    DeviceBytes held;         ///< while ready or leaving
    bool half_loaded = false; ///< leaving before its load was done: the system has not seen all of `held`
    std::optional<std::chrono::nanoseconds> load_took{}; ///< measured last
    std::optional<std::chrono::nanoseconds> keep_alive;
    UsageRecord usage;
    TurnRecord turns;

    ArbiterTime kept_from{}; ///< idle, and keep-alive counts, since then
    ArbiterTime ready_since{};
    std::pair<ArbiterTime, RequestId> loaded_for{}; ///< the `turn` in which it was loaded

    std::string retiring;    ///< why it takes no new requests; empty: it does
    std::string dismissed;   ///< why it goes at once; empty: it does not
    std::string closing_for; ///< key of the waiting one that it makes room for; empty: none
    bool expiring = false;   ///< rule ollama: goes when nobody uses it, and takes new requests until then

    std::vector<std::string> in_the_way; ///< while waiting: the keys of those that are to go
    std::optional<ArbiterTime> turn_comes;

    bool open() const {
        return stage == Stage::ready && retiring.empty() && dismissed.empty() && closing_for.empty();
    }
    bool idle() const { return stage == Stage::ready && running.empty(); }
    bool pinned() const { return keep_alive && keep_alive->count() < 0; }
    /// Requests wait for a load of it that has not begun.
    bool in_line() const {
        return !queue.empty() && stage != Stage::loading && !(stage == Stage::ready && open());
    }
    /// Its place in the line: when its first request came, and which of those that came at once.
    std::pair<ArbiterTime, RequestId> turn() const { return {queue.front().since, queue.front().request.id}; }
    std::chrono::nanoseconds reload() const { return load_took.value_or(need.reload); }
    /// Some of what it takes is perhaps not yet in the system's numbers.
    bool unseen() const { return stage == Stage::loading || (stage == Stage::leaving && half_loaded); }
    /// What is reserved or held.
    DeviceBytes taken() const {
        return stage == Stage::loading                            ? need.bytes
               : stage == Stage::ready || stage == Stage::leaving ? held
                                                                  : DeviceBytes();
    }
};

/// One `decide`.
struct Round {
    const Budget& budget;
    ArbiterTime now;
    std::vector<Decision> decisions;
    bool again = false; ///< what was settled may be seen otherwise now
};

/// Room as the waiting ones will leave it, one after another.
struct Seating {
    DeviceRoom
        now; ///< free for a load that begins now, if the system has seen nothing of the loads before it
    DeviceRoom later; ///< when all that load or leave, and those who wait before, had their way
    std::optional<DeviceRoom> tightest;  ///< the least `later` of those who wait before; absent: none does
    std::vector<ArbiterModel*> standing; ///< in memory then, and in nobody's way yet
    DeviceBytes whole;                   ///< what each device could give
};

/// Who may be told to go: models that nobody uses, or any whose turn is over.
enum class Going { idle, any };

struct Arbiter::State {
    explicit State(ArbiterSettings wished) : settings(wished) {}

    // arbiter.cpp: what happened
    ArbiterModel& model_of(const std::string& key);
    ArbiterModel* find(const std::string& key);
    void forget_request(RequestId request, ArbiterTime now);
    void drop_old();
    void decide(Round& round);
    void reopen();
    void unload_due(Round& round);
    void grant_open(Round& round);
    void grant(ArbiterModel& model, const ArbiterRequest& request, Round& round);
    void begin_plan(ArbiterModel& model, Round& round);
    void begin_load(ArbiterModel& model, Round& round);
    void begin_unload(ArbiterModel& model, std::string reason, Round& round);
    void wake_at(ArbiterTime time);
    void note_calm(const Round& round);
    DeviceBytes taken_by(bool (*counts)(const ArbiterModel&)) const;

    // arbiter_line.cpp: rules cost and lru
    std::vector<ArbiterModel*> line();
    void plan_next(Round& round);
    Seating seating(const Round& round);
    void seat_line(Round& round);
    bool seat(ArbiterModel& model, Seating& seats, bool first, Round& round);
    std::vector<ArbiterModel*> making_room_for(const ArbiterModel& model);
    bool make_room(ArbiterModel& model, const std::vector<ArbiterModel*>& coming, Seating& seats,
                   Round& round);
    void close(ArbiterModel& model, ArbiterModel& waiting, Round& round);

    // arbiter_turns.cpp: who may go for whom, and when
    std::vector<ArbiterModel*> may_go(const ArbiterModel& waiting, const Seating& seats,
                                      const DeviceRoom& reach) const;
    std::optional<std::vector<ArbiterModel*>> choose(const std::vector<ArbiterModel*>& pool,
                                                     const DeviceBytes& lacking, const Round& round) const;
    std::optional<std::vector<std::size_t>> choose_oldest(const std::vector<ArbiterModel*>& pool,
                                                          const DeviceBytes& lacking) const;
    std::optional<std::vector<ArbiterModel*>> choose_now(const std::vector<ArbiterModel*>& pool,
                                                         const ArbiterModel& waiting, Going which,
                                                         const DeviceBytes& lacking, const Round& round);
    std::optional<ArbiterTime> goes_at(const ArbiterModel& model, const ArbiterModel& waiting,
                                       ArbiterTime now) const;
    std::chrono::nanoseconds turn_of(const ArbiterModel& model, const ArbiterModel& waiting) const;
    std::vector<const ArbiterModel*> protected_models(const Seating& seats) const;
    double cost_of_going(const ArbiterModel& model, ArbiterTime now) const;
    bool moves(const ArbiterModel& model) const;
    std::string why_waiting(const ArbiterModel& model, ArbiterTime now) const;

    // arbiter_ollama.cpp
    void serve_fifo(Round& round);
    bool serve_head(Round& round);
    ArbiterModel* ollama_victim();

    ArbiterSettings settings;
    std::map<std::string, ArbiterModel> models; ///< by key
    std::map<RequestId, std::string> requests;  ///< waiting and running, with their model
    std::deque<RequestId> fifo; ///< rule ollama: who did not find the model loaded, in the order they came
    std::optional<ArbiterTime> wake;
    DeviceRoom
        calm; ///< free bytes when nothing was under way, less what was reserved and with what left since
};

} // namespace hearth::runtime
