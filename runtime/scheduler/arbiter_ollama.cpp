/// Ollama's rule, as its source has it (features.md 2.7): one queue for all who do not find their model loaded, one
/// load or unloading at a time.
#include "runtime/scheduler/arbiter_state.hpp"

#include <algorithm>
#include <ranges>
#include <tuple>

namespace hearth::runtime {

using Stage = ArbiterModel::Stage;

void Arbiter::State::serve_fifo(Round& round) {
    while (!fifo.empty() && serve_head(round)) {
    }
}

/// @return the head was served: the next can be looked at
bool Arbiter::State::serve_head(Round& round) {
    const RequestId head = fifo.front();
    ArbiterModel& model = models.at(requests.at(head));
    const bool moving = std::ranges::any_of(std::views::values(models), [](const ArbiterModel& one) {
        return one.stage == Stage::planning || one.stage == Stage::loading || one.stage == Stage::leaving;
    });
    if (model.open()) {
        fifo.pop_front(); // `grant_open` sees it in the next pass
        const auto waiting =
            std::ranges::find(model.queue, head, [](const WaitingRequest& one) { return one.request.id; });
        const ArbiterRequest request = waiting->request;
        model.queue.erase(waiting);
        grant(model, request, round);
        return true;
    }
    if (moving) {
        return false;
    }
    if (model.stage == Stage::absent) {
        begin_plan(model, round);
    } else if (model.stage == Stage::waiting) {
        const DeviceBytes loading;
        const DeviceBytes ours = taken_by([](const ArbiterModel&) { return true; });
        const bool fits = free_room(round.budget, loading, ours).holds(model.need.bytes);
        ArbiterModel* victim = fits ? nullptr : ollama_victim();
        if (fits) {
            begin_load(model, round);
        } else if (victim == nullptr) {
            begin_plan(model, round); // nothing of ours is left to go
        } else {
            victim->expiring = true;
            model.in_the_way = {victim->key};
            if (victim->idle()) {
                begin_unload(*victim, "made room for " + model.name, round);
            }
        }
    }
    return false;
}

/// An idle one before a busy one; of them the one with the shortest keep-alive, then the first by name. One that was
/// chosen stays chosen.
ArbiterModel* Arbiter::State::ollama_victim() {
    auto rank = [](const ArbiterModel& model) {
        const auto keep_alive = model.pinned() ? std::chrono::nanoseconds::max()
                                               : model.keep_alive.value_or(std::chrono::minutes(5));
        return std::tuple(!model.expiring, !model.idle(), keep_alive, model.key);
    };
    ArbiterModel* victim = nullptr;
    for (ArbiterModel& model : std::views::values(models)) {
        if (model.stage == Stage::ready && (victim == nullptr || rank(model) < rank(*victim))) {
            victim = &model;
        }
    }
    return victim;
}

} // namespace hearth::runtime
