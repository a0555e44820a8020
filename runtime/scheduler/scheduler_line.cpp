/// What happens is told to the arbiter, what it decides is carried out, and who waits hears of it.
#include "base/log.hpp"
#include "runtime/scheduler/device_room.hpp"
#include "runtime/scheduler/scheduler_impl.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <utility>

namespace hearth::runtime {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

/// A place that only counts down is not told more often.
constexpr auto between_places = 1s;

} // namespace

Ticket::Ticket(const std::shared_ptr<Scheduler::Impl>& owner, std::string model_key,
               const AcquireRequest& wanted, PluginManifest backend)
    : scheduler(owner), id(++owner->last_request), key(std::move(model_key)), app(wanted.app),
      plugin(std::move(backend)), request(&wanted), answered(owner->executor), asked(owner->now()) {}

Ticket::~Ticket() {
    if (const auto owner = scheduler.lock()) {
        owner->leave(*this);
    }
}

void Scheduler::Impl::enter(Ticket& ticket) {
    tickets.emplace(ticket.id, &ticket);
    ArbiterRequest request;
    request.id = ticket.id;
    request.model = ticket.key;
    request.name = ticket.request->name;
    arbiter.requested(request, now());
    const Entry entry = find(ticket.key);
    if (entry && entry->state == LoadedRunner::State::loading && !entry->stage.empty() &&
        ticket.request->on_progress) {
        ticket.request->on_progress(entry->stage, entry->fraction);
    }
    if (!keeping) {
        keeping = true;
        tasks.spawn("keep-alive", keep());
    }
    step();
}

/// Its request is over: it was answered, or whoever waited is gone.
void Scheduler::Impl::leave(Ticket& ticket) {
    tickets.erase(ticket.id);
    arbiter.ended(ticket.id, now());
    if (const Entry entry = std::exchange(ticket.entry, nullptr)) {
        --entry->leases;
        if (--entry->users[ticket.app] == 0) {
            entry->users.erase(ticket.app);
        }
        if (entry->state == LoadedRunner::State::ready && !entry->busy()) {
            entry->set_idle(*seams.clock);
        }
    } else if (const Entry waiting = find(ticket.key)) {
        drop_unwanted(waiting);
    }
    step();
}

/// Lets the arbiter decide, until it has nothing to say.
void Scheduler::Impl::step() noexcept {
    if (stepping || stopping) {
        return; // what leads here from below is seen by the loop
    }
    stepping = true;
    try {
        std::optional<Budget> there; // read once: carrying out decisions begins things and ends none
        bool more = true;
        while (more) {
            if (!there && anyone_waits()) {
                there = budget();
            }
            const std::vector<Decision> decisions = arbiter.decide(there.value_or(Budget()), now());
            std::ranges::for_each(decisions, [this](const Decision& decision) { carry_out(decision); });
            more = !decisions.empty();
        }
        tell_places();
    } catch (const std::exception& failure) { // no memory, or a listener that throws
        log::error("runtime", fmt::format("a decision was not carried out: {}", failure.what()));
    }
    stepping = false;
    changed.notify_all();
}

void Scheduler::Impl::carry_out(const Decision& decision) {
    Entry entry = find(decision.model);
    switch (decision.kind) {
    case Decision::Kind::plan:
        entry = entry ? entry : make_entry(*first_in_line(decision.model));
        entry->planning = true;
        tasks.spawn("plan " + entry->name(), plan(entry));
        return;
    case Decision::Kind::load:
        entry->admitted = true;
        entry->state = LoadedRunner::State::loading;
        entry->load_started = now();
        tasks.spawn("load " + entry->name(), load(entry));
        return;
    case Decision::Kind::unload:
        begin_unload(entry, decision.reason);
        return;
    case Decision::Kind::grant:
        if (const auto found = tickets.find(decision.request); found != tickets.end()) {
            grant(*found->second);
        }
        return;
    }
}

void Scheduler::Impl::grant(Ticket& ticket) {
    const AcquireRequest& request = *ticket.request;
    const Entry entry = find(ticket.key);
    ++entry->leases;
    ++entry->users[ticket.app];
    entry->add_name(request.name);
    if (request.keep_alive) {
        entry->keep_alive = *request.keep_alive;
        arbiter.keep(entry->key, entry->keep_alive, now());
    }
    ticket.entry = entry;
    tickets.erase(ticket.id);
    ticket.answered.notify_all();
}

void Scheduler::Impl::fail(Ticket& ticket, const Error& failure) {
    ticket.failure = failure;
    tickets.erase(ticket.id);
    arbiter.ended(ticket.id, now());
    ticket.answered.notify_all();
}

void Scheduler::Impl::fail_all(const std::string& key, const Error& failure) {
    for (const auto& [id, ticket] : std::map(tickets)) {
        if (ticket->key == key) {
            fail(*ticket, failure);
        }
    }
}

Ticket* Scheduler::Impl::first_in_line(const std::string& key) const {
    const auto found =
        std::ranges::find_if(tickets, [&](const auto& item) { return item.second->key == key; });
    return found == tickets.end() ? nullptr : found->second;
}

int Scheduler::Impl::waiting_for(const std::string& key) const {
    return static_cast<int>(
        std::ranges::count_if(tickets, [&](const auto& item) { return item.second->key == key; }));
}

/// For memory: somebody's model is neither loaded nor being loaded.
bool Scheduler::Impl::anyone_waits() const {
    return std::ranges::any_of(tickets, [this](const auto& item) {
        const Entry entry = find(item.second->key);
        return !entry || entry->state != LoadedRunner::State::loading;
    });
}

void Scheduler::Impl::tell_places() {
    for (Ticket* ticket : std::views::values(tickets)) {
        tell_place(*ticket);
    }
}

/// Those who wait for others; a load, or room that is being freed, is nothing to tell.
void Scheduler::Impl::tell_place(Ticket& ticket) {
    const auto place = arbiter.place(ticket.id, now());
    if (!place || place->soon) {
        return;
    }
    const bool moved = !ticket.told || ticket.told->ahead != place->ahead;
    const bool news =
        !moved && ticket.told->reason != place->reason && now() - ticket.told_at >= between_places;
    if (!moved && !news) {
        return;
    }
    ticket.told = place;
    ticket.told_at = now();
    if (ticket.request->on_wait) {
        ticket.request->on_wait(*place);
    }
    if (moved && on_event) {
        RuntimeEvent event;
        event.type = "model.waiting";
        event.model = ticket.request->name;
        event.detail = place->reason;
        event.app = ticket.app;
        event.ahead = place->ahead;
        on_event(std::move(event));
    }
}

LoadedModel Scheduler::Impl::row(const Entry& entry) const {
    LoadedModel row = entry->row();
    row.waiting_requests = waiting_for(entry->key);
    if (const std::string going = arbiter.going(entry->key); !going.empty()) {
        row.reason = (entry->busy() ? row.reason + "; " : "") + going;
    }
    const Ticket* first = first_in_line(entry->key);
    if (entry->state == LoadedRunner::State::waiting && first != nullptr) {
        const auto place = arbiter.place(first->id, now());
        row.reason = place ? place->reason : "";
    }
    return row;
}

/// Steps when the arbiter wants to be asked without an event.
asio::awaitable<void> Scheduler::Impl::keep() {
    using asio::experimental::awaitable_operators::operator||;
    while (!stopping) {
        if (arbiter.next_wake() && *arbiter.next_wake() <= now()) {
            step();
        }
        if (const auto next = arbiter.next_wake()) {
            const Steady at = *next > now() ? *next : now() + between_places; // else the step has failed
            co_await (seams.wait_until(at) || changed.wait());
        } else {
            co_await changed.wait();
        }
    }
}

} // namespace hearth::runtime
