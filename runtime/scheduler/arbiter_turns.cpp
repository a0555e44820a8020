/// Who may go for whom, when, and at which cost; and what those who wait are told.
#include "runtime/scheduler/arbiter_state.hpp"
#include "runtime/scheduler/eviction_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <tuple>

namespace hearth::runtime {

using Stage = ArbiterModel::Stage;
using Seconds = std::chrono::duration<double>;

namespace {

/// What it holds, or will hold when it is loaded.
const DeviceBytes& bytes_of(const ArbiterModel& model) {
    const bool settled = model.stage == Stage::ready || model.stage == Stage::leaving;
    return settled ? model.held : model.need.bytes;
}

} // namespace

/// The small models that large ones leave alone: the last used ones, as many as their share of the budget holds.
std::vector<const ArbiterModel*> Arbiter::State::protected_models(const Seating& seats) const {
    std::vector<const ArbiterModel*> small;
    for (const ArbiterModel* model : seats.standing) {
        if (within_share(bytes_of(*model), settings.small_model, seats.whole)) {
            small.push_back(model);
        }
    }
    std::ranges::sort(small, std::ranges::greater(), [](const ArbiterModel* model) {
        return std::tuple(model->usage.last_use(), model->key);
    });
    DeviceBytes together;
    std::erase_if(small, [&](const ArbiterModel* model) {
        DeviceBytes with = together;
        add_bytes(with, bytes_of(*model));
        const bool beyond = !within_share(with, settings.small_share, seats.whole);
        together = beyond ? together : std::move(with);
        return beyond;
    });
    return small;
}

/// Of those in memory: first the ordinary ones, with the protected small ones where a large model cannot fit otherwise,
/// with the pinned ones where nothing else helps.
/// @param reach  what is free without any of them
std::vector<ArbiterModel*> Arbiter::State::may_go(const ArbiterModel& waiting, const Seating& seats,
                                                  const DeviceRoom& reach) const {
    if (settings.rule != SwitchRule::cost) {
        return seats.standing;
    }
    std::vector<const ArbiterModel*> safe;
    if (!within_share(waiting.need.bytes, settings.small_model, seats.whole)) {
        safe = protected_models(seats);
    }
    auto reluctance = [&](const ArbiterModel* model) {
        return model->pinned() ? 2 : is_among(safe, model) ? 1 : 0;
    };
    std::vector<ArbiterModel*> pool;
    for (int most = 0; most <= 2; ++most) {
        pool.clear();
        DeviceRoom room = reach;
        for (ArbiterModel* model : seats.standing) {
            if (reluctance(model) <= most) {
                pool.push_back(model);
                room.add(bytes_of(*model));
            }
        }
        if (room.holds(waiting.need.bytes)) {
            break;
        }
    }
    return pool;
}

/// Expected seconds that its going costs: what loading it again takes, times the chance that somebody wants it soon.
double Arbiter::State::cost_of_going(const ArbiterModel& model, ArbiterTime now) const {
    const double chance = model.idle() ? model.usage.chance_of_reuse(now, settings.reuse_horizon) : 1;
    return Seconds(model.reload()).count() * chance * std::max(model.priority, 0.0);
}

/// The cheapest of `pool` that free what is lacking, whatever they do now. nullopt: all together are not enough.
std::optional<std::vector<ArbiterModel*>> Arbiter::State::choose(const std::vector<ArbiterModel*>& pool,
                                                                 const DeviceBytes& lacking,
                                                                 const Round& round) const {
    std::vector<EvictionCandidate> candidates;
    candidates.reserve(pool.size());
    for (const ArbiterModel* model : pool) {
        candidates.push_back({model->key, bytes_of(*model), cost_of_going(*model, round.now)});
    }
    const auto chosen = settings.rule == SwitchRule::lru ? choose_oldest(pool, lacking)
                                                         : choose_eviction(candidates, lacking);
    if (!chosen) {
        return std::nullopt;
    }
    std::vector<ArbiterModel*> going;
    for (const std::size_t index : *chosen) {
        going.push_back(pool[index]);
    }
    return going;
}

/// Rule lru: the idle ones and then the others, those used longest ago first, until it is enough.
std::optional<std::vector<std::size_t>> Arbiter::State::choose_oldest(const std::vector<ArbiterModel*>& pool,
                                                                      const DeviceBytes& lacking) const {
    std::vector<std::size_t> order(pool.size());
    for (std::size_t index = 0; index < order.size(); ++index) {
        order[index] = index;
    }
    std::ranges::sort(order, {}, [&](std::size_t index) {
        const ArbiterModel& model = *pool[index];
        return std::tuple(!model.idle(), model.usage.last_use(), model.key);
    });
    DeviceRoom room;
    for (const auto& [device, missing] : lacking) {
        room.lower_to(DeviceRoom(DeviceBytes{{device, 0}}));
    }
    for (std::size_t count = 0; count < order.size(); ++count) {
        room.add(bytes_of(*pool[order[count]]));
        if (room.holds(lacking)) {
            order.resize(count + 1);
            return order;
        }
    }
    return std::nullopt;
}

/// The same among those that may go at once; idle ones alone where they are enough. Notes when more of them may.
std::optional<std::vector<ArbiterModel*>> Arbiter::State::choose_now(const std::vector<ArbiterModel*>& pool,
                                                                     const ArbiterModel& waiting, Going which,
                                                                     const DeviceBytes& lacking,
                                                                     const Round& round) {
    std::vector<ArbiterModel*> idle;
    std::vector<ArbiterModel*> any;
    for (ArbiterModel* model : pool) {
        const auto at = goes_at(*model, waiting, round.now);
        if (at && *at <= round.now) {
            any.push_back(model);
            if (model->idle()) {
                idle.push_back(model);
            }
        } else if (at) {
            wake_at(*at);
        }
    }
    auto going = choose(idle, lacking, round);
    return !going && which == Going::any ? choose(any, lacking, round) : going;
}

/// How long `model` may keep `waiting` waiting, from when it became ready.
///
/// Whoever is not in his turn waits for all of the others', so a turn only spares waiting where it serves many. Where
/// programs that ask at once after each answer are on both sides, it is therefore long, up to ten times what the two
/// reloads take, if so many requests fit in it that fewer than one in twenty waits at all; and as short as can be, if
/// it would hold no more than two. People get the usual one: that of the others need not be longer, for it is their
/// own pauses that end theirs.
std::chrono::nanoseconds Arbiter::State::turn_of(const ArbiterModel& model,
                                                 const ArbiterModel& waiting) const {
    const auto usual = std::max(settings.turn, model.reload());
    if (!model.turns.steady() || !waiting.turns.steady()) {
        return usual;
    }
    const std::chrono::nanoseconds swap = model.reload() + waiting.reload();
    const std::chrono::nanoseconds answer = model.turns.usual_answer();
    if (answer >= swap && answer >= settings.turn / 2) {
        return model.reload();
    }
    const auto longest = std::max(usual, std::min(settings.most_turn, 10 * swap));
    return model.turns.quick(longest) ? longest : usual;
}

/// When `model` may be told to go for `waiting`. nullopt: not before something else happens.
std::optional<ArbiterTime> Arbiter::State::goes_at(const ArbiterModel& model, const ArbiterModel& waiting,
                                                   ArbiterTime now) const {
    if (!model.open()) {
        return std::nullopt;
    }
    const bool went_ahead = !waiting.queue.empty() && waiting.turn() < model.loaded_for;
    if (settings.rule == SwitchRule::lru || went_ahead) {
        return now;
    }
    const ArbiterTime turn_ends = model.ready_since + turn_of(model, waiting);
    if (!model.idle()) {
        return turn_ends;
    }
    const std::chrono::nanoseconds swap = model.reload() + waiting.reload();
    if (model.turns.steady() && waiting.turns.steady()) {
        return std::clamp(model.usage.last_use() + swap, now, std::max(now, turn_ends));
    }
    const auto back = model.usage.expected_return(settings.most_linger, now);
    if (!back || Seconds(swap) * back->chance <= back->by - now) {
        return now;
    }
    return std::min(back->by, turn_ends);
}

std::string Arbiter::State::why_waiting(const ArbiterModel& model, ArbiterTime now) const {
    if (model.stage == Stage::planning || model.stage == Stage::absent) {
        return "looking for room for " + model.name;
    }
    if (model.stage == Stage::loading) {
        return "loading " + model.name;
    }
    if (model.stage != Stage::waiting) {
        return fmt::format("{} is being unloaded: {}", model.name,
                           !model.retiring.empty() ? model.retiring
                           : !model.closing_for.empty()
                               ? models.at(model.closing_for).name + " waits for its room"
                               : "its memory is not free yet");
    }
    std::string text;
    for (const std::string& key : model.in_the_way) {
        const ArbiterModel& other = models.at(key);
        text += text.empty() ? "" : "; ";
        if (other.stage == Stage::leaving) {
            text += other.name + " is being unloaded";
        } else if (other.stage == Stage::ready && !other.running.empty()) {
            text += fmt::format("{} is in use by {} request{}", other.name, other.running.size(),
                                other.running.size() == 1 ? "" : "s");
        } else if (other.stage == Stage::ready) {
            text += other.name + " was just used";
        } else if (other.stage == Stage::loading) {
            text += other.name + " is being loaded";
        } else {
            text += other.name + " comes first";
        }
    }
    if (model.turn_comes && *model.turn_comes > now) {
        text += fmt::format(", for at most {} s more",
                            std::chrono::ceil<std::chrono::seconds>(*model.turn_comes - now).count());
    }
    return text.empty() ? "memory is being freed" : text;
}

/// Nobody else is waited for.
bool Arbiter::State::moves(const ArbiterModel& model) const {
    const bool in_the_way = std::ranges::any_of(
        model.in_the_way, [this](const std::string& key) { return models.at(key).stage != Stage::leaving; });
    return model.stage != Stage::waiting ? model.running.empty() : !in_the_way;
}

std::string Arbiter::going(const std::string& key) const {
    const ArbiterModel* model = state_->find(key);
    if (model == nullptr || model->stage != Stage::ready || model->open()) {
        return {};
    }
    return !model->dismissed.empty()  ? model->dismissed
           : !model->retiring.empty() ? model->retiring
                                      : "makes room for " + state_->models.at(model->closing_for).name;
}

std::optional<Place> Arbiter::place(RequestId request, ArbiterTime now) const {
    const auto found = state_->requests.find(request);
    if (found == state_->requests.end()) {
        return std::nullopt;
    }
    const ArbiterModel& model = state_->models.at(found->second);
    if (model.running.contains(request)) {
        return std::nullopt;
    }
    Place place;
    place.reason = state_->why_waiting(model, now);
    place.soon = state_->moves(model);
    for (const ArbiterModel& other : std::views::values(state_->models)) {
        const bool before = other.in_line() && model.in_line() && other.turn() < model.turn();
        const bool loads = other.stage == Stage::loading && model.stage != Stage::loading;
        place.ahead += &other != &model && (before || loads) ? 1 : 0;
    }
    return place;
}

} // namespace hearth::runtime
