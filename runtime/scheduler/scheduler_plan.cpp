/// What a load needs, and in which room: beside the models in use, or when all others are gone.
#include "base/log.hpp"
#include "runtime/scheduler/device_room.hpp"
#include "runtime/scheduler/scheduler_impl.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hearth::runtime {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

/// Where neither request, configuration nor planner says it.
constexpr std::int64_t unplanned_context_tokens = 4096;
/// A load that nobody can foretell: its files at the pace of a SATA disk's better half, and the start of a process.
constexpr double guessed_bytes_per_second = 1e9;
constexpr std::chrono::nanoseconds guessed_start = 200ms;

bool only_embeds(const registry::Model& model) {
    auto can = [&](const char* what) {
        return std::ranges::find(model.capabilities, what) != model.capabilities.end();
    };
    return can("embedding") && !can("completion");
}

std::chrono::nanoseconds guess_reload(const registry::Model& model) {
    double bytes = 0;
    for (const registry::ModelFile& file : model.files) {
        bytes += static_cast<double>(file.size_bytes);
    }
    const std::chrono::duration<double> reading(bytes / guessed_bytes_per_second);
    return guessed_start + std::chrono::duration_cast<std::chrono::nanoseconds>(reading);
}

} // namespace

/// What is to be loaded for the first of those who wait.
Entry Scheduler::Impl::make_entry(const Ticket& ticket) {
    const AcquireRequest& request = *ticket.request;
    auto entry = std::make_shared<LoadedRunner>();
    entry->key = ticket.key;
    entry->names = {request.name};
    entry->model = request.model;
    entry->plugin = ticket.plugin;
    entry->keep_alive = request.keep_alive.value_or(request.usual_keep_alive.value_or(config.keep_alive));
    const Wanted carried = std::exchange(wanted[ticket.key], {});
    wanted.erase(ticket.key);
    entry->spec.embeddings = request.options.embeddings || carried.embeddings;
    if (request.model) {
        entry->need_bytes = estimate_need_bytes(request.model->files);
        entry->spec.embeddings = entry->spec.embeddings || only_embeds(*request.model);
    }
    AcquireRequest built_in = request;
    built_in.options.context_tokens =
        config.context_tokens > 0 ? config.context_tokens : unplanned_context_tokens;
    const std::int64_t wish = wished_context(request);
    entry->spec.alias = request.name;
    entry->spec.context_tokens = std::max(wish > 0 ? wish : wished_context(built_in), carried.context_tokens);
    entry->spec.parallel = request.options.parallel.value_or(config.parallel);
    entry->spec.threads = request.options.threads.value_or(config.threads);
    entry->asked = request.options;
    entry->options = request.options;
    entry->options.embeddings = entry->spec.embeddings;
    if (wish > 0 || carried.context_tokens > 0) {
        entry->options.context_tokens = entry->spec.context_tokens;
    }
    if (carried.kv_type && !entry->options.kv_type) {
        entry->options.kv_type = carried.kv_type;
    }
    entry->spec.kv_type = entry->options.kv_type;
    entry->spec.load_mode = entry->options.load_mode;
    entry->spec.gpu_layers = entry->options.gpu_layers;
    entry->spec.unified = entry->options.unified.value_or(true);
    entries.push_back(entry);
    return entry;
}

/// Answers the arbiter's question what a model needs.
asio::awaitable<void> Scheduler::Impl::plan(Entry entry) {
    std::optional<Error> failure;
    ModelNeed need;
    try {
        refuse_if_stopping_or_aside(entry->key, entry->name());
        need = co_await find_need(entry);
    } catch (...) {
        failure = to_error(std::current_exception());
    }
    entry->planning = false;
    if (!entry->stop_reason.empty()) {
        forget(entry);
    } else if (failure) {
        refuse(entry, *failure);
    } else {
        arbiter.planned(entry->key, need, now());
        drop_unwanted(entry);
        step();
    }
}

/// Beside the models in use where that gives what is usual; else in the room that there is when all others are gone,
/// which is then waited for. @throws Error  memory_insufficient: it does not fit even then
asio::awaitable<ModelNeed> Scheduler::Impl::find_need(Entry entry) {
    if (!entry->model) {
        co_return ModelNeed();
    }
    const MemoryState beside = memory();
    Fit fit = co_await fit_in(*entry->model, entry->plugin, entry->options, beside);
    const bool in_use = std::ranges::any_of(
        beside.holders, [](const Holder& holder) { return holder.kind != Holder::Kind::idle; });
    if (in_use && !entry->options.force && !is_usual(entry, fit)) {
        Fit alone = co_await fit_alone(entry);
        const bool more =
            !fit.plan || (alone.plan && alone.plan->spec.context_tokens > fit.plan->spec.context_tokens);
        if (fit.refusal || (!alone.refusal && more)) {
            fit = std::move(alone);
        }
    }
    if (fit.refusal) {
        throw Error(*fit.refusal);
    }
    co_return take(entry, std::move(fit));
}

asio::awaitable<Scheduler::Impl::Fit> Scheduler::Impl::fit_in(registry::Model model, PluginManifest plugin,
                                                              LoadOptions options, MemoryState state) {
    const std::uint64_t by_rule = estimate_need_bytes(model.files);
    const std::string name = model.ref.short_name();
    const bool force = options.force;
    Fit fit;
    try {
        fit.plan =
            co_await seams.plan_load(std::move(model), std::move(plugin), std::move(options), room(state));
    } catch (const Error& error) {
        if (error.code() != ErrorCode::memory_insufficient) {
            throw;
        }
        fit.refusal = error;
    }
    if (!fit.plan && !fit.refusal && !force && by_rule > reachable_bytes(state)) {
        fit.refusal = memory_refusal(name, by_rule, state);
    }
    if (fit.plan) { // what ours may hold there in all: what was seen, and what others hold that was not
        for (auto& [device, bytes] : fit.plan->accelerator_room) {
            for (const Holder& holder : state.holders) {
                const auto held = holder.accelerators.find(device);
                const bool counts = holder.kind != Holder::Kind::idle && held != holder.accelerators.end();
                bytes += counts ? held->second : 0;
            }
        }
    }
    co_return fit;
}

/// What is being loaded may hold part of its memory already: nobody can say how much there is until it is loaded.
asio::awaitable<Scheduler::Impl::Fit> Scheduler::Impl::fit_alone(Entry entry) {
    auto loading = [this, &entry] {
        return !stopping && entry->stop_reason.empty() &&
               std::ranges::any_of(
                   entries, [](const Entry& other) { return other->state == LoadedRunner::State::loading; });
    };
    Fit fit = co_await fit_in(*entry->model, entry->plugin, entry->options, memory_alone());
    while (fit.refusal && loading()) {
        while (loading()) {
            co_await changed.wait();
        }
        fit = co_await fit_in(*entry->model, entry->plugin, entry->options, memory_alone());
    }
    co_return fit;
}

/// Is it worth having without waiting for more: what was asked for, or no less than the usual context.
bool Scheduler::Impl::is_usual(const Entry& entry, const Fit& fit) const {
    if (fit.refusal) {
        return false;
    }
    if (!fit.plan || entry->options.context_tokens) {
        return true;
    }
    const std::int64_t most = entry->model->details.context_length;
    const std::int64_t usual = config.context_tokens > 0 ? config.context_tokens : unplanned_context_tokens;
    return fit.plan->spec.context_tokens >= (most > 0 ? std::min(most, usual) : usual);
}

/// The entry is loaded in this way. @return what is to be reserved for it
ModelNeed Scheduler::Impl::take(const Entry& entry, Fit fit) {
    entry->plan = std::move(fit.plan);
    std::chrono::nanoseconds reload{};
    if (entry->plan) {
        std::string alias = std::move(entry->spec.alias);
        entry->spec = entry->plan->spec;
        entry->spec.alias = std::move(alias);
        entry->need_bytes = entry->plan->host_bytes;
        reload = entry->plan->reload;
        for (const auto& [device, bytes] : entry->plan->accelerator_room) {
            accelerator_limits[device] = bytes;
        }
    }
    ModelNeed need{.bytes = entry->planned(),
                   .reload = reload.count() > 0 ? reload : guess_reload(*entry->model)};
    if (entry->options.force) { // what is idle goes for it, and nobody is waited for
        const MemoryRoom there = room(memory());
        const std::uint64_t reachable = reachable_bytes(memory());
        if (entry->need_bytes > reachable) {
            log::warning("runtime",
                         fmt::format("{} is loaded by force: it needs {}, {} can be had", entry->name(),
                                     format_bytes(entry->need_bytes), format_bytes(reachable)));
        }
        need.bytes = {{host_device, std::min(entry->need_bytes, reachable)}};
    }
    return need;
}

/// @throws Error  as the planner: the load that the request asks for could not follow
asio::awaitable<void> Scheduler::Impl::expect_replacement_fits(Entry entry, AcquireRequest request) {
    if (!entry->model) {
        co_return;
    }
    co_await seams.plan_load(*entry->model, entry->plugin, request.options, room(memory_alone()));
}

/// Those who asked for what cannot be hear so; the others get a plan of their own.
void Scheduler::Impl::refuse(const Entry& entry, const Error& failure) {
    log::warning("runtime", fmt::format("{} was not loaded: {}", entry->name(), failure.what()));
    const bool theirs = failure.code() == ErrorCode::memory_insufficient;
    for (const auto& [id, ticket] : std::map(tickets)) {
        if (ticket->key == entry->key && (!theirs || ticket->request->options == entry->asked)) {
            fail(*ticket, failure);
        }
    }
    forget(entry);
}

/// Whoever it was planned for has left.
void Scheduler::Impl::drop_unwanted(const Entry& entry) {
    if (entry->state == LoadedRunner::State::waiting && !entry->planning && waiting_for(entry->key) == 0) {
        forget(entry);
    }
}

MemoryState Scheduler::Impl::memory() const {
    MemoryState state;
    state.available_bytes = seams.available_memory_bytes();
    state.limit_bytes = config.ram_limit_bytes;
    for (const Entry& entry : entries) {
        if (!entry->admitted) {
            continue;
        }
        Holder holder;
        holder.name = entry->name();
        holder.accelerators = entry->reserved();
        holder.bytes = std::exchange(holder.accelerators[host_device], 0);
        holder.accelerators.erase(host_device);
        const bool goes = entry->state == LoadedRunner::State::stopping;
        holder.kind = entry->state == LoadedRunner::State::loading ? Holder::Kind::loading
                      : goes || !entry->busy()                     ? Holder::Kind::idle
                                                                   : Holder::Kind::busy;
        state.holders.push_back(std::move(holder));
    }
    return state;
}

MemoryState Scheduler::Impl::memory_alone() const {
    MemoryState state = memory();
    for (Holder& holder : state.holders) {
        holder.kind = holder.kind == Holder::Kind::busy ? Holder::Kind::idle : holder.kind;
    }
    return state;
}

/// A few files are read for it.
Budget Scheduler::Impl::budget() const {
    Budget budget;
    budget.free[host_device] = seams.available_memory_bytes();
    budget.limit = accelerator_limits;
    if (config.ram_limit_bytes) {
        budget.limit[host_device] = *config.ram_limit_bytes;
    }
    return budget;
}

} // namespace hearth::runtime
