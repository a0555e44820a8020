/// Rules cost and lru: the line of models that wait to be loaded, and how each finds room without delaying those before
/// it.
#include "runtime/scheduler/arbiter_state.hpp"

#include <algorithm>
#include <ranges>

namespace hearth::runtime {

using Stage = ArbiterModel::Stage;

/// Who waits, by the request that waits longest.
std::vector<ArbiterModel*> Arbiter::State::line() {
    std::vector<ArbiterModel*> waiting;
    for (ArbiterModel& model : std::views::values(models)) {
        if (model.in_line()) {
            waiting.push_back(&model);
        }
    }
    std::ranges::sort(waiting, {}, [](const ArbiterModel* model) { return model->turn(); });
    return waiting;
}

/// One at a time and in the order of the line: the next plan counts what the one before has reserved.
void Arbiter::State::plan_next(Round& round) {
    const std::vector<ArbiterModel*> waiting = line();
    const auto unplanned = std::ranges::find_if(waiting, [](const ArbiterModel* model) {
        return model->stage == Stage::planning || model->stage == Stage::absent;
    });
    if (unplanned != waiting.end() && (*unplanned)->stage == Stage::absent) {
        begin_plan(**unplanned, round);
    }
}

Seating Arbiter::State::seating(const Round& round) {
    const DeviceBytes unseen = taken_by([](const ArbiterModel& one) { return one.unseen(); });
    const DeviceBytes leaving = taken_by([](const ArbiterModel& one) { return one.stage == Stage::leaving; });
    const DeviceBytes settled = taken_by([](const ArbiterModel& one) { return !one.unseen(); });
    DeviceBytes ours = settled;
    add_bytes(ours, unseen);
    Seating seats;
    seats.now = free_room(round.budget, unseen, ours);
    DeviceRoom expected = free_room(round.budget, {}, ours);
    expected.lower_to(calm);
    seats.later = seats.now;
    seats.later.raise_to(expected);
    seats.later.add(leaving);
    seats.whole = capacity(round.budget, settled);
    for (ArbiterModel& model : std::views::values(models)) {
        if (model.open() || model.stage == Stage::loading) {
            seats.standing.push_back(&model);
        }
    }
    return seats;
}

/// Loads that fit begin; for the others room is made, as far as its time has come.
void Arbiter::State::seat_line(Round& round) {
    const std::vector<ArbiterModel*> waiting = line();
    if (waiting.empty()) {
        return;
    }
    Seating seats = seating(round);
    for (ArbiterModel* model : waiting) {
        const bool known = model->stage != Stage::absent && model->stage != Stage::planning;
        if (!known || !seat(*model, seats, model == waiting.front(), round)) {
            return; // those behind would perhaps be in its way
        }
    }
}

namespace {

DeviceBytes sum_of(const std::vector<ArbiterModel*>& models) {
    DeviceBytes sum;
    for (const ArbiterModel* model : models) {
        add_bytes(sum, model->stage == Stage::waiting ? model->need.bytes : model->taken());
    }
    return sum;
}

/// One that goes before others who came before it, where these do not miss the room.
void go_ahead(const DeviceBytes& need, const std::vector<ArbiterModel*>& going, Seating& seats) {
    if (!seats.tightest) {
        return;
    }
    DeviceRoom tightest = *seats.tightest;
    tightest.add(sum_of(going));
    if (tightest.holds(need)) {
        tightest.take(need);
        seats.tightest = tightest;
    }
}

/// The seat of one that waits: what is behind it finds this much less.
void take_seat(ArbiterModel& model, const DeviceBytes& need, const DeviceRoom& reach,
               const std::vector<ArbiterModel*>& going, Seating& seats) {
    seats.later = reach;
    seats.later.add(sum_of(going));
    seats.later.take(need);
    if (seats.tightest) {
        seats.tightest->lower_to(seats.later);
    } else {
        seats.tightest = seats.later;
    }
    std::erase_if(seats.standing, [&](ArbiterModel* one) { return is_among(going, one); });
    seats.standing.push_back(&model);
}

} // namespace

/// @return false: nobody can say what is left for those behind
bool Arbiter::State::seat(ArbiterModel& model, Seating& seats, bool first, Round& round) {
    const bool waits =
        model.stage == Stage::waiting; // else it is still leaving, and its next load is not planned
    const DeviceBytes need = waits ? model.need.bytes : model.taken();
    if (waits && seats.now.holds(need) && (!seats.tightest || seats.tightest->holds(need))) {
        begin_load(model, round);
        seats.now.take(need);
        seats.later.take(need);
        if (seats.tightest) {
            seats.tightest->take(need);
        }
        seats.standing.push_back(&model);
        return true;
    }
    model.turn_comes.reset();
    const std::vector<ArbiterModel*> coming = making_room_for(model);
    if (waits && make_room(model, coming, seats, round)) {
        return true;
    }
    DeviceRoom reach = seats.later;
    reach.add(sum_of(coming));
    if (reach.holds(need)) {
        go_ahead(need, coming, seats);
        take_seat(model, need, reach, {}, seats);
        return true;
    }
    const auto going = choose(may_go(model, seats, reach), reach.lacks(need), round);
    if (!going) {
        const bool moving = std::ranges::any_of(std::views::values(models), [](const ArbiterModel& one) {
            return one.stage == Stage::leaving || one.stage == Stage::loading;
        });
        if (first && waits && coming.empty() && !moving) {
            begin_plan(model, round); // others have taken what it was planned with
        }
        return false;
    }
    model.in_the_way.clear();
    for (const ArbiterModel* one : *going) {
        model.in_the_way.push_back(one->key);
        if (const auto at = goes_at(*one, model, round.now)) {
            model.turn_comes = std::max(model.turn_comes.value_or(*at), *at);
        }
    }
    take_seat(model, need, reach, *going, seats);
    return true;
}

/// Those that take no new requests any more so that `model` can be loaded; also what is left of its own last load.
std::vector<ArbiterModel*> Arbiter::State::making_room_for(const ArbiterModel& model) {
    std::vector<ArbiterModel*> coming;
    for (ArbiterModel& other : std::views::values(models)) {
        const bool own = &other == &model;
        if (other.stage == Stage::ready && (own || other.closing_for == model.key)) {
            coming.push_back(&other);
        }
    }
    return coming;
}

/// Ends or closes who may go now: idle ones alone where they are enough, also in place of busy ones that were closed
/// before. @return is the room on its way by that
bool Arbiter::State::make_room(ArbiterModel& model, const std::vector<ArbiterModel*>& coming, Seating& seats,
                               Round& round) {
    const DeviceBytes& need = model.need.bytes;
    auto lacking = [&](const std::vector<ArbiterModel*>& with) {
        DeviceRoom reach = seats.later;
        reach.add(sum_of(with));
        DeviceRoom tightest = seats.tightest.value_or(reach);
        if (seats.tightest) {
            tightest.add(sum_of(with));
        }
        return larger(reach.lacks(need), tightest.lacks(need));
    };
    DeviceRoom with_coming = seats.later;
    with_coming.add(sum_of(coming));
    const std::vector<ArbiterModel*> pool = may_go(model, seats, with_coming);
    auto now_going = [&](const std::vector<ArbiterModel*>& with, Going which) {
        const DeviceBytes missing = lacking(with);
        return missing.empty() ? std::nullopt : choose_now(pool, model, which, missing, round);
    };
    auto going = now_going({}, Going::idle);
    if (going) {
        for (ArbiterModel* other : coming) {
            other->closing_for.clear();
        }
    } else {
        going = now_going(coming, Going::any);
    }
    if (!going) {
        return false;
    }
    DeviceRoom reach = seats.later;
    const std::vector<ArbiterModel*> closed = making_room_for(model);
    reach.add(sum_of(closed));
    std::vector<ArbiterModel*> all = *going;
    all.insert(all.end(), closed.begin(), closed.end());
    go_ahead(need, all, seats);
    model.in_the_way.clear();
    take_seat(model, need, reach, *going, seats);
    for (ArbiterModel* one : *going) {
        close(*one, model, round);
    }
    return true;
}

/// `model` takes no new requests, for it makes room.
void Arbiter::State::close(ArbiterModel& model, ArbiterModel& waiting, Round& round) {
    model.closing_for = waiting.key;
    round.again = true;
    waiting.in_the_way.push_back(model.key);
    if (model.idle()) {
        begin_unload(model, "made room for " + waiting.name, round);
    }
}

} // namespace hearth::runtime
