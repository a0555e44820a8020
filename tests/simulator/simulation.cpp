#include "tests/simulator/simulation.hpp"

#include "tests/simulator/machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <queue>
#include <set>

namespace hearth::simulator {
namespace {

using runtime::ArbiterTime;
using runtime::Decision;
using runtime::RequestId;
using namespace std::chrono_literals;

constexpr auto plan_time = 5ms; ///< to read a header
constexpr auto default_keep_alive = 5min;
constexpr auto give_up = 48h; ///< of virtual time: somebody waits for ever

std::chrono::nanoseconds whole(Seconds seconds) {
    return std::chrono::round<std::chrono::nanoseconds>(seconds);
}

class Simulation {
  public:
    Simulation(const Trace& trace, const runtime::ArbiterSettings& settings)
        : trace_(trace), arbiter_(settings), progress_(trace.clients.size()) {
        for (const PretendedModel& model : trace.models)
            models_.emplace(model.name, &model);
    }

    Outcome run() {
        for (std::size_t client = 0; client < trace_.clients.size(); ++client)
            begin_next_step(client);
        while (const std::optional<ArbiterTime> next = next_event()) {
            if (*next > start_ + give_up) {
                violation("somebody waits for ever");
                break;
            }
            for (const Machine::Event& event : machine_.advance(std::max(*next, now())))
                happened(event);
            while (!timers_.empty() && timers_.top().at <= now()) {
                const std::function<void()> action = timers_.top().action;
                timers_.pop();
                action();
            }
            decide();
        }
        outcome_.unserved += waiting_.size() + running_.size();
        outcome_.lasted = last_answer_ - start_;
        return std::move(outcome_);
    }

  private:
    struct Timer {
        ArbiterTime at;
        std::uint64_t order; ///< of timers at the same time the older goes first
        std::function<void()> action;
        bool operator<(const Timer& other) const {
            return std::pair(at, order) > std::pair(other.at, other.order);
        }
    };
    struct Progress {
        std::size_t step = 0;
        std::size_t open = 0; ///< asks of the step without an answer
    };
    struct Request {
        std::size_t client;
        const Ask* ask;
        ArbiterTime asked;
        int ahead;
        ArbiterTime granted{};
    };

    ArbiterTime now() const { return machine_.now(); }
    void violation(std::string text) {
        outcome_.violations.push_back(fmt::format("{:.3f} s: {}", Seconds(now() - start_).count(), text));
    }
    void after(std::chrono::nanoseconds pause, std::function<void()> action) {
        timers_.push({now() + pause, ++order_, std::move(action)});
    }

    std::optional<ArbiterTime> next_event() {
        std::optional<ArbiterTime> next = machine_.next();
        if (!timers_.empty())
            next = std::min(next.value_or(timers_.top().at), timers_.top().at);
        // A wake alone cannot bring a client: what is left are keep-alives, which concern nobody any more.
        const std::optional<ArbiterTime> wake = arbiter_.next_wake();
        if (wake && (next || !waiting_.empty())) {
            if (*wake <= now() && ++idle_wakes_ > 1000) {
                violation("wakes again and again without a decision");
                return std::nullopt;
            }
            next = std::min(next.value_or(*wake), *wake);
        }
        return next;
    }

    void begin_next_step(std::size_t client) {
        const Client& of = trace_.clients[client];
        if (progress_[client].step == of.steps.size())
            return;
        const Step& step = of.steps[progress_[client].step++];
        after(whole(step.pause), [this, client, &step] {
            progress_[client].open = step.asks.size();
            for (const Ask& ask : step.asks)
                request(client, ask);
        });
    }

    void request(std::size_t client, const Ask& ask) {
        const RequestId id = ++requests_;
        waiting_.emplace(id, Request{client, &ask, now(), models_ahead_of(ask.model)});
        const Client& of = trace_.clients[client];
        arbiter_.requested({.id = id, .model = ask.model, .priority = of.priority}, now());
    }

    int models_ahead_of(const std::string& model) const {
        std::set<std::string> ahead;
        for (const auto& [id, request] : waiting_)
            ahead.insert(request.ask->model);
        for (const auto& [name, since] : loading_since_)
            ahead.insert(name);
        ahead.erase(model);
        return static_cast<int>(ahead.size());
    }

    void happened(const Machine::Event& event) {
        const std::string& model = event.model->name;
        switch (event.what) {
        case Machine::Done::loaded:
            outcome_.longest_load =
                std::max(outcome_.longest_load, Seconds(now() - loading_since_.at(model)));
            loading_since_.erase(model);
            arbiter_.loaded(model, event.model->bytes, whole(event.model->reload), now());
            arbiter_.keep(model, default_keep_alive, now());
            break;
        case Machine::Done::unloaded:
            arbiter_.gone(model, now());
            break;
        case Machine::Done::answered:
            answered(event.request);
            break;
        }
    }

    void answered(RequestId id) {
        const Request request = running_.at(id);
        running_.erase(id);
        outcome_.served.push_back({trace_.clients[request.client].app, request.ask->model,
                                   request.granted - request.asked, now() - request.granted, request.ahead});
        last_answer_ = now();
        arbiter_.ended(id, now());
        if (--progress_[request.client].open == 0)
            begin_next_step(request.client);
    }

    void decide() {
        for (const Decision& decision : arbiter_.decide(budget(), now())) {
            idle_wakes_ = 0;
            carry_out(decision);
        }
        const runtime::DeviceBytes promised = machine_.promised();
        for (const auto& [device, bytes] : promised)
            if (!trace_.limit.contains(device) || bytes > trace_.limit.at(device))
                violation(fmt::format("{} bytes of {} are promised", bytes, device));
    }

    runtime::Budget budget() const {
        runtime::Budget budget{.free = trace_.limit, .limit = trace_.limit};
        for (const auto& [device, bytes] : machine_.allocated())
            budget.free[device] -= std::min(bytes, budget.free[device]);
        return budget;
    }

    void carry_out(const Decision& decision) {
        const auto found = models_.find(decision.model);
        if (found == models_.end())
            return violation("decides about a model nobody knows: " + decision.model);
        const PretendedModel& model = *found->second;
        switch (decision.kind) {
        case Decision::Kind::plan:
            after(plan_time, [this, &model] {
                arbiter_.planned(model.name, {.bytes = model.bytes, .reload = whole(model.reload)}, now());
            });
            break;
        case Decision::Kind::load:
            ++outcome_.loads[model.name];
            outcome_.reload += model.reload;
            loading_since_[model.name] = now();
            machine_.load(model);
            break;
        case Decision::Kind::unload:
            if (!machine_.ready(model.name) || in_use(model.name))
                violation("ends " + model.name + ", which is not loaded or in use");
            machine_.unload(model);
            break;
        case Decision::Kind::grant:
            grant(decision.request, model);
            break;
        }
    }

    bool in_use(const std::string& model) const {
        return std::ranges::any_of(running_,
                                   [&](const auto& entry) { return entry.second.ask->model == model; });
    }

    void grant(RequestId id, const PretendedModel& model) {
        const auto found = waiting_.find(id);
        if (found == waiting_.end() || found->second.ask->model != model.name || !machine_.ready(model.name))
            return violation(fmt::format("request {} may not have {}", id, model.name));
        Request request = found->second;
        waiting_.erase(found);
        request.granted = now();
        machine_.answer(id, model, *request.ask);
        if (request.ask->keep_alive)
            arbiter_.keep(model.name, *request.ask->keep_alive, now());
        running_.emplace(id, request);
    }

    const Trace& trace_;
    runtime::Arbiter arbiter_;
    Machine machine_;
    const ArbiterTime start_{};
    ArbiterTime last_answer_{};
    std::map<std::string, const PretendedModel*> models_;
    std::vector<Progress> progress_; ///< by client
    std::map<RequestId, Request> waiting_;
    std::map<RequestId, Request> running_;
    std::map<std::string, ArbiterTime> loading_since_;
    std::priority_queue<Timer> timers_;
    std::uint64_t order_ = 0;
    RequestId requests_ = 0;
    int idle_wakes_ = 0; ///< since the last decision
    Outcome outcome_;
};

} // namespace

Outcome simulate(const Trace& trace, const runtime::ArbiterSettings& settings) {
    return Simulation(trace, settings).run();
}

double worst_share_of_bound(const Outcome& outcome, const runtime::ArbiterSettings& settings) {
    const Seconds longest_turn = std::max({Seconds(settings.turn), outcome.longest_load,
                                           std::min(Seconds(settings.most_turn), 20 * outcome.longest_load)});
    Seconds longest_answer{};
    for (const Served& served : outcome.served)
        longest_answer = std::max(longest_answer, served.took);
    const Seconds round =
        longest_turn + longest_answer + unload_time + outcome.longest_load + Seconds(plan_time);
    double worst = 0;
    for (const Served& served : outcome.served)
        worst = std::max(worst, served.wait / ((served.ahead + 1) * round));
    return worst;
}

} // namespace hearth::simulator
