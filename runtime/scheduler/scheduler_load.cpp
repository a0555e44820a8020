/// How runners come and go: memory, loading, watching, unloading.
#include "base/log.hpp"
#include "runtime/scheduler/scheduler_impl.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hearth::runtime {

namespace asio = boost::asio;

namespace {

/// Where neither request, configuration nor planner says it.
constexpr std::int64_t unplanned_context_tokens = 4096;

} // namespace

Entry Scheduler::Impl::begin_load(const std::string& key, const AcquireRequest& request,
                                  const PluginManifest& plugin) {
    auto entry = std::make_shared<LoadedRunner>();
    entry->key = key;
    entry->names = {request.name};
    entry->model = request.model;
    entry->plugin = plugin;
    entry->keep_alive = request.keep_alive.value_or(request.usual_keep_alive.value_or(config.keep_alive));
    entry->load_started = seams.clock->steady_now();
    const Wanted carried = std::exchange(wanted[key], {});
    wanted.erase(key);
    entry->spec.embeddings = request.options.embeddings || carried.embeddings;
    if (request.model) {
        entry->need_bytes = estimate_need_bytes(request.model->files);
        const auto& abilities = request.model->capabilities;
        const bool only_embeds = std::ranges::find(abilities, "embedding") != abilities.end() &&
                                 std::ranges::find(abilities, "completion") == abilities.end();
        entry->spec.embeddings = entry->spec.embeddings || only_embeds;
    }
    AcquireRequest built_in = request;
    built_in.options.context_tokens =
        config.context_tokens > 0 ? config.context_tokens : unplanned_context_tokens;
    const std::int64_t wish = wished_context(request);
    entry->spec.alias = request.name;
    entry->spec.context_tokens = std::max(wish > 0 ? wish : wished_context(built_in), carried.context_tokens);
    entry->spec.parallel = request.options.parallel.value_or(config.parallel);
    entry->spec.threads = request.options.threads.value_or(config.threads);
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
    if (!keeping) {
        keeping = true;
        tasks.spawn("keep-alive", keep());
    }
    tasks.spawn("load " + request.name, load(entry));
    return entry;
}

asio::awaitable<void> Scheduler::Impl::load(Entry entry) {
    std::optional<Error> failure;
    try {
        co_await load_steps(entry);
        became_ready(entry);
    } catch (...) {
        failure = to_error(std::current_exception());
    }
    if (failure) {
        co_await bury(entry, *failure);
    } else {
        co_await watch(entry);
    }
}

namespace {

void refuse_if_unwanted(const Entry& entry) {
    if (!entry->stop_reason.empty()) {
        throw Error(ErrorCode::cancelled,
                    fmt::format("loading {} was stopped: {}", entry->name(), entry->stop_reason));
    }
}

} // namespace

asio::awaitable<void> Scheduler::Impl::load_steps(Entry entry) {
    emit("model.loading", entry, entry->plugin.name);
    co_await admit(entry);
    refuse_if_unwanted(entry);
    std::vector<registry::OpenModelFile> files;
    if (entry->model) {
        files = co_await opener(*entry->model);
    }
    refuse_if_unwanted(entry);
    entry->runner = co_await seams.start_runner(entry->plugin);
    refuse_if_unwanted(entry);
    auto progress = [entry](std::string stage, double fraction) {
        entry->stage = stage;
        entry->fraction = fraction;
        for (const auto& listener : entry->listeners) {
            if (listener) {
                listener(stage, fraction);
            }
        }
    };
    co_await entry->runner->load(entry->spec, std::move(files), std::move(progress));
    refuse_if_unwanted(entry);
}

void Scheduler::Impl::became_ready(const Entry& entry) {
    entry->info = entry->runner->info();
    entry->state = LoadedRunner::State::ready;
    entry->set_idle(*seams.clock);
    const auto took = std::chrono::duration<double>(seams.clock->steady_now() - entry->load_started);
    const std::string detail = fmt::format("{} in {:.1f} s, {} tokens of context", entry->plugin.name,
                                           took.count(), entry->context_tokens());
    log::info("runtime", fmt::format("loaded {}: {}", entry->name(), detail));
    if (entry->model) {
        seams.on_loaded({.model = *entry->model,
                         .plugin = entry->plugin,
                         .spec = entry->spec,
                         .plan = entry->plan,
                         .info_json = to_text(entry->info),
                         .took = seams.clock->steady_now() - entry->load_started,
                         .pid = entry->runner->pid()});
    }
    emit("model.loaded", entry, detail);
    changed.notify_all();
}

/// A load that failed: its process ends before those who wait hear of it, so that a retry finds the memory
/// free.
asio::awaitable<void> Scheduler::Impl::bury(Entry entry, Error failure) {
    const bool died = failure.code() == ErrorCode::runner_lost;
    if (entry->stop_reason.empty()) {
        entry->stop_reason = failure.what();
    }
    if (entry->runner) {
        co_await entry->runner->stop();
    }
    log::warning("runtime", fmt::format("{} was not loaded: {}", entry->name(), failure.what()));
    if (died) {
        crashes.note_death(entry->key, entry->name(), seams.clock->steady_now());
    }
    entry->failure = failure;
    emit(died ? "runner.lost" : "model.unloaded", entry, failure.what());
    forget(entry);
}

/// From ready to the end of the process, for whatever reason it ends.
asio::awaitable<void> Scheduler::Impl::watch(Entry entry) {
    const std::string how = co_await entry->runner->wait_exit();
    const bool lost = entry->state != LoadedRunner::State::stopping;
    entry->state = LoadedRunner::State::stopping;
    co_await entry->runner->stop(); // also when it died: collects what is left of it
    if (lost) {
        log::error("runtime", fmt::format("the backend of {} ended unexpectedly ({})", entry->name(), how));
        crashes.note_death(entry->key, entry->name(), seams.clock->steady_now());
        emit("runner.lost", entry, how);
    } else {
        log::info("runtime", fmt::format("unloaded {}: {}", entry->name(), entry->stop_reason));
        emit("model.unloaded", entry, entry->stop_reason);
    }
    forget(entry);
}

void Scheduler::Impl::begin_unload(const Entry& entry, std::string reason) {
    if (!entry->stop_reason.empty() || entry->state == LoadedRunner::State::gone) {
        return;
    }
    entry->stop_reason = std::move(reason);
    if (entry->state == LoadedRunner::State::ready) {
        entry->state = LoadedRunner::State::stopping;
    }
    if (entry->runner) {
        tasks.spawn("unload " + entry->name(), end_runner(entry));
    }
    changed.notify_all();
}

asio::awaitable<void> Scheduler::Impl::end_runner(Entry entry) {
    co_await entry->runner->stop(); // `load` or `watch` sees the end and buries it
}

void Scheduler::Impl::forget(const Entry& entry) {
    entry->state = LoadedRunner::State::gone;
    std::erase(entries, entry);
    changed.notify_all();
}

void Scheduler::Impl::emit(std::string type, const Entry& entry, std::string detail) const {
    if (on_event) {
        RuntimeEvent event;
        event.type = std::move(type);
        event.model = entry->name();
        event.detail = std::move(detail);
        on_event(std::move(event));
    }
}

/// Reserves memory for a load. One at a time: two loads must not count the same free bytes.
asio::awaitable<void> Scheduler::Impl::admit(Entry entry) {
    while (admitting) {
        co_await changed.wait();
    }
    admitting = true;
    std::optional<Error> failure;
    try {
        co_await plan(entry);
        co_await make_room(entry);
        entry->admitted = true;
    } catch (...) {
        failure = to_error(std::current_exception());
    }
    admitting = false;
    changed.notify_all();
    if (failure) {
        throw Error(*failure);
    }
}

/// Decides how the model is loaded. Idle models count as gone: `make_room` ends those that are in the way.
asio::awaitable<void> Scheduler::Impl::plan(Entry entry) {
    if (!entry->model) {
        co_return;
    }
    entry->plan = co_await seams.plan_load(*entry->model, entry->plugin, entry->options, room(memory()));
    if (!entry->plan) {
        co_return;
    }
    std::string alias = std::move(entry->spec.alias);
    entry->spec = entry->plan->spec;
    entry->spec.alias = std::move(alias);
    entry->need_bytes = entry->plan->host_bytes;
}

asio::awaitable<void> Scheduler::Impl::make_room(Entry entry) {
    while (true) {
        refuse_if_unwanted(entry);
        const MemoryState state = memory();
        if (entry->need_bytes <= free_bytes(state)) {
            co_return;
        }
        auto leaving = [](const Entry& other) {
            return other->state == LoadedRunner::State::stopping ||
                   (!other->stop_reason.empty() && other->runner);
        };
        if (std::ranges::any_of(entries, leaving)) {
            co_await changed.wait(); // its memory will be free in a moment
            continue;
        }
        const bool reachable = entry->need_bytes <= reachable_bytes(state);
        const Entry victim = reachable || entry->options.force ? longest_idle() : nullptr;
        if (!victim && entry->options.force) {
            log::warning("runtime",
                         fmt::format("{} is loaded by force: it needs {}, {} can be had", entry->name(),
                                     format_bytes(entry->need_bytes), format_bytes(free_bytes(state))));
            co_return;
        }
        if (!victim) {
            refuse_for_memory(entry->name(), entry->need_bytes, state);
        }
        begin_unload(victim, fmt::format("made room for {}", entry->name()));
    }
}

Entry Scheduler::Impl::longest_idle() const {
    Entry longest;
    for (const Entry& entry : entries) {
        const bool idle =
            entry->state == LoadedRunner::State::ready && !entry->busy() && entry->held_bytes() > 0;
        if (idle && (!longest || entry->idle_since < longest->idle_since)) {
            longest = entry;
        }
    }
    return longest;
}

MemoryState Scheduler::Impl::memory() const {
    MemoryState state;
    state.available_bytes = seams.available_memory_bytes();
    state.limit_bytes = config.ram_limit_bytes;
    for (const Entry& entry : entries) {
        Holder holder;
        holder.name = entry->name();
        holder.bytes = entry->reserved_bytes();
        holder.kind = entry->state == LoadedRunner::State::loading                   ? Holder::Kind::loading
                      : entry->state == LoadedRunner::State::ready && !entry->busy() ? Holder::Kind::idle
                                                                                     : Holder::Kind::busy;
        state.holders.push_back(std::move(holder));
    }
    return state;
}

} // namespace hearth::runtime
