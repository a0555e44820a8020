#include "runtime/scheduler/arbiter.hpp"

#include "runtime/scheduler/arbiter_state.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace hearth::runtime {

using Stage = ArbiterModel::Stage;

namespace {

constexpr std::size_t models_remembered = 512;
constexpr std::chrono::nanoseconds longest_keep =
    std::chrono::years(10); ///< further ends are out of the clock's range

} // namespace

Arbiter::Arbiter(ArbiterSettings settings) : state_(std::make_unique<State>(settings)) {}
Arbiter::~Arbiter() = default;
Arbiter::Arbiter(Arbiter&&) noexcept = default;
Arbiter& Arbiter::operator=(Arbiter&&) noexcept = default;

void Arbiter::requested(const ArbiterRequest& request, ArbiterTime now) {
    ArbiterModel& model = state_->model_of(request.model);
    if (!state_->requests.emplace(request.id, request.model).second) {
        return;
    }
    model.name = request.name.empty() ? request.model : request.name;
    model.priority = request.priority;
    model.turns.note_request(model.usage.pause(now));
    model.usage.note_request(now, model.running.empty() && model.queue.empty());
    model.queue.push_back({request, now});
    if (state_->settings.rule == SwitchRule::ollama && !model.open()) {
        state_->fifo.push_back(request.id);
    }
}

void Arbiter::ended(RequestId request, ArbiterTime now) {
    state_->forget_request(request, now);
}

void Arbiter::planned(const std::string& key, const ModelNeed& need, ArbiterTime) {
    ArbiterModel* model = state_->find(key);
    if (model != nullptr && model->stage == Stage::planning) {
        model->need = need;
        model->stage = model->queue.empty() ? Stage::absent : Stage::waiting;
    }
}

void Arbiter::loaded(const std::string& key, const DeviceBytes& held, std::chrono::nanoseconds took,
                     ArbiterTime now) {
    ArbiterModel* model = state_->find(key);
    if (model == nullptr || (model->stage != Stage::loading && model->stage != Stage::leaving)) {
        return;
    }
    model->load_took = took;
    state_->calm.add(model->taken());
    model->held = held;
    state_->calm.take(held);
    if (model->stage == Stage::loading) {
        model->stage = Stage::ready;
        model->ready_since = now;
        model->kept_from = now;
    }
}

void Arbiter::gone(const std::string& key, ArbiterTime now) {
    ArbiterModel* model = state_->find(key);
    if (model == nullptr) {
        return;
    }
    for (const auto& [id, granted] : std::exchange(model->running, {})) {
        model->usage.note_end(now);
        state_->requests.erase(id);
    }
    state_->calm.add(model->taken());
    model->stage = Stage::absent;
    model->held.clear();
    model->retiring.clear();
    model->dismissed.clear();
    model->closing_for.clear();
    model->expiring = false;
    state_->drop_old();
}

void Arbiter::keep(const std::string& key, std::chrono::nanoseconds keep_alive, ArbiterTime now) {
    ArbiterModel& model = state_->model_of(key);
    model.keep_alive = keep_alive;
    if (model.idle()) {
        model.kept_from = now;
    }
}

void Arbiter::retire(const std::string& key, std::string reason) {
    ArbiterModel* model = state_->find(key);
    if (model != nullptr && (model->stage == Stage::ready || model->stage == Stage::loading) &&
        model->retiring.empty()) {
        model->retiring = std::move(reason);
    }
}

void Arbiter::dismiss(const std::string& key, std::string reason) {
    ArbiterModel* model = state_->find(key);
    if (model != nullptr && (model->stage == Stage::ready || model->stage == Stage::loading)) {
        model->dismissed = std::move(reason);
    }
}

std::vector<Decision> Arbiter::decide(const Budget& budget, ArbiterTime now) {
    Round round{.budget = budget, .now = now, .decisions = {}};
    state_->decide(round);
    return std::move(round.decisions);
}

std::optional<ArbiterTime> Arbiter::next_wake() const {
    return state_->wake;
}

ArbiterModel& Arbiter::State::model_of(const std::string& key) {
    ArbiterModel& model = models[key];
    if (model.key.empty()) {
        model.key = key;
        model.name = key;
    }
    return model;
}

ArbiterModel* Arbiter::State::find(const std::string& key) {
    const auto found = models.find(key);
    return found == models.end() ? nullptr : &found->second;
}

void Arbiter::State::forget_request(RequestId request, ArbiterTime now) {
    const auto found = requests.find(request);
    if (found == requests.end()) {
        return;
    }
    ArbiterModel& model = models.at(found->second);
    requests.erase(found);
    std::erase(fifo, request);
    if (const auto running = model.running.find(request); running != model.running.end()) {
        model.usage.note_end(now);
        model.turns.note_answer(now - running->second);
        model.running.erase(running);
        model.kept_from = now;
        return;
    }
    const auto waiting =
        std::ranges::find(model.queue, request, [](const WaitingRequest& one) { return one.request.id; });
    model.usage.note_end(now);
    model.queue.erase(waiting);
    if (model.queue.empty() && model.stage == Stage::waiting) {
        model.stage = Stage::absent;
    }
}

/// Keeps the record of models that are not loaded within bounds.
void Arbiter::State::drop_old() {
    while (models.size() > models_remembered) {
        auto oldest = models.end();
        for (auto one = models.begin(); one != models.end(); ++one) {
            const bool unused = one->second.stage == Stage::absent && one->second.queue.empty();
            if (unused &&
                (oldest == models.end() || one->second.usage.last_use() < oldest->second.usage.last_use())) {
                oldest = one;
            }
        }
        if (oldest == models.end()) {
            return;
        }
        models.erase(oldest);
    }
}

void Arbiter::State::decide(Round& round) {
    std::size_t before = 0;
    do {
        before = round.decisions.size();
        round.again = false;
        wake.reset();
        note_calm(round);
        reopen();
        grant_open(round);
        unload_due(round);
        if (settings.rule == SwitchRule::ollama) {
            serve_fifo(round);
        } else {
            seat_line(round);
            plan_next(round);
        }
    } while (round.again || round.decisions.size() > before);
}

void Arbiter::State::note_calm(const Round& round) {
    const bool moving = std::ranges::any_of(std::views::values(models), [](const ArbiterModel& one) {
        return one.stage == Stage::loading || one.stage == Stage::leaving;
    });
    if (!moving && !round.budget.free.empty()) { // whoever asks for no room may not have looked
        calm = DeviceRoom(round.budget.free);
    }
}

/// Whoever was to go for one that waits no more is used again.
void Arbiter::State::reopen() {
    for (ArbiterModel& model : std::views::values(models)) {
        if (model.stage == Stage::ready && !model.closing_for.empty() &&
            models.at(model.closing_for).stage != Stage::waiting) {
            model.closing_for.clear();
        }
    }
}

void Arbiter::State::unload_due(Round& round) {
    for (ArbiterModel& model : std::views::values(models)) {
        const bool here = model.stage == Stage::ready || model.stage == Stage::loading;
        if (here && !model.dismissed.empty()) {
            begin_unload(model, model.dismissed, round);
        } else if (model.idle() && !model.retiring.empty()) {
            begin_unload(model, model.retiring, round);
        } else if (model.idle() && !model.closing_for.empty()) {
            begin_unload(model, "made room for " + models.at(model.closing_for).name, round);
        } else if (model.idle() && model.expiring) {
            begin_unload(model, "made room", round);
        } else if (model.idle() && model.keep_alive && !model.pinned()) {
            const ArbiterTime expiry = model.kept_from + std::min(*model.keep_alive, longest_keep);
            if (expiry <= round.now) {
                begin_unload(model, "keep-alive ended", round);
            } else {
                wake_at(expiry);
            }
        }
    }
}

/// To all who wait for a model that takes requests, in the order they came; by Ollama's rule those who found it loaded.
void Arbiter::State::grant_open(Round& round) {
    for (ArbiterModel& model : std::views::values(models)) {
        if (!model.open()) {
            continue;
        }
        const std::deque<WaitingRequest> queue = std::exchange(model.queue, {});
        for (const WaitingRequest& waiting : queue) {
            if (is_among(fifo, waiting.request.id)) {
                model.queue.push_back(waiting);
            } else {
                grant(model, waiting.request, round);
            }
        }
    }
}

void Arbiter::State::grant(ArbiterModel& model, const ArbiterRequest& request, Round& round) {
    model.running[request.id] = round.now;
    round.decisions.push_back(
        {.kind = Decision::Kind::grant, .model = model.key, .request = request.id, .reason = {}});
}

void Arbiter::State::begin_plan(ArbiterModel& model, Round& round) {
    model.stage = Stage::planning;
    round.decisions.push_back({.kind = Decision::Kind::plan, .model = model.key, .request = 0, .reason = {}});
}

void Arbiter::State::begin_load(ArbiterModel& model, Round& round) {
    model.stage = Stage::loading;
    model.loaded_for = model.turn();
    model.in_the_way.clear();
    model.turn_comes.reset();
    calm.take(model.taken());
    round.decisions.push_back({.kind = Decision::Kind::load, .model = model.key, .request = 0, .reason = {}});
}

void Arbiter::State::begin_unload(ArbiterModel& model, std::string reason, Round& round) {
    model.half_loaded = model.stage == Stage::loading;
    model.held = model.taken(); // of a load: what was reserved
    model.stage = Stage::leaving;
    round.decisions.push_back(
        {.kind = Decision::Kind::unload, .model = model.key, .request = 0, .reason = std::move(reason)});
}

void Arbiter::State::wake_at(ArbiterTime time) {
    wake = std::min(wake.value_or(time), time);
}

DeviceBytes Arbiter::State::taken_by(bool (*counts)(const ArbiterModel&)) const {
    DeviceBytes sum;
    for (const ArbiterModel& model : std::views::values(models)) {
        if (counts(model)) {
            add_bytes(sum, model.taken());
        }
    }
    return sum;
}

} // namespace hearth::runtime
