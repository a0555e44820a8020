/// How runners come and go: loading, watching, unloading.
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

constexpr auto longest_look = 1s;
constexpr auto between_looks = 5ms;

} // namespace

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
    std::vector<registry::OpenModelFile> files;
    if (entry->model) {
        files = co_await opener(*entry->model);
    }
    refuse_if_unwanted(entry);
    entry->runner = co_await seams.start_runner(entry->plugin);
    refuse_if_unwanted(entry);
    auto progress = [this, entry](std::string stage, double fraction) {
        entry->stage = stage;
        entry->fraction = fraction;
        for (const Ticket* ticket : std::views::values(tickets)) {
            if (ticket->key == entry->key && ticket->request->on_progress) {
                ticket->request->on_progress(stage, fraction);
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
    const std::chrono::nanoseconds took = now() - entry->load_started;
    const std::string detail =
        fmt::format("{} in {:.1f} s, {} tokens of context", entry->plugin.name,
                    std::chrono::duration<double>(took).count(), entry->context_tokens());
    log::info("runtime", fmt::format("loaded {}: {}", entry->name(), detail));
    if (entry->model) {
        seams.on_loaded({.model = *entry->model,
                         .plugin = entry->plugin,
                         .spec = entry->spec,
                         .plan = entry->plan,
                         .info_json = to_text(entry->info),
                         .took = took,
                         .pid = entry->runner->pid()});
    }
    emit("model.loaded", entry, detail);
    arbiter.loaded(entry->key, entry->reserved(), took, now());
    arbiter.keep(entry->key, entry->keep_alive, now());
    step();
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
        crashes.note_death(entry->key, entry->name(), now());
    }
    emit(died ? "runner.lost" : "model.unloaded", entry, failure.what());
    co_await see_memory_free(entry);
    fail_all(entry->key, failure);
    forget(entry);
}

/// From ready to the end of the process, for whatever reason it ends.
asio::awaitable<void> Scheduler::Impl::watch(Entry entry) {
    const std::string how = co_await entry->runner->wait_exit();
    note_lost(entry);
    co_await entry->runner->stop(); // also when it died: collects what is left of it
    if (entry->lost) {
        log::error("runtime", fmt::format("the backend of {} ended unexpectedly ({})", entry->name(), how));
        crashes.note_death(entry->key, entry->name(), now());
        emit("runner.lost", entry, how);
    } else {
        log::info("runtime", fmt::format("unloaded {}: {}", entry->name(), entry->stop_reason));
        emit("model.unloaded", entry, entry->stop_reason);
    }
    co_await see_memory_free(entry);
    forget(entry);
}

/// Nobody gets it any more, if nobody told it to end.
void Scheduler::Impl::note_lost(const Entry& entry) {
    if (entry->stop_reason.empty() && !entry->lost) {
        entry->lost = true;
        entry->state = LoadedRunner::State::stopping;
        arbiter.dismiss(entry->key, "its backend ended");
        step();
    }
}

/// What the arbiter has decided, or a person.
void Scheduler::Impl::begin_unload(const Entry& entry, std::string reason) {
    if (!entry->stop_reason.empty() || entry->lost || entry->state == LoadedRunner::State::gone) {
        return;
    }
    entry->stop_reason = std::move(reason);
    entry->free_before = seams.available_memory_bytes();
    if (entry->state == LoadedRunner::State::waiting) {
        const Error failure(ErrorCode::cancelled,
                            fmt::format("loading {} was stopped: {}", entry->name(), entry->stop_reason));
        fail_all(entry->key, failure);
        if (!entry->planning) {
            forget(entry);
        }
        return;
    }
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

/// The system may take a moment to count the memory of an ended process as free: the next load would not find it.
/// Returns when it does, when enough is free for who waits, or after a second.
asio::awaitable<void> Scheduler::Impl::see_memory_free(Entry entry) {
    using asio::experimental::awaitable_operators::operator||;
    const Steady until = now() + longest_look;
    while (!stopping && anyone_waits() && !is_seen_free(entry) && now() < until) {
        co_await (seams.wait_until(now() + between_looks) || changed.wait());
    }
}

bool Scheduler::Impl::is_seen_free(const Entry& entry) const {
    MemoryState without = memory();
    const std::uint64_t held = entry->private_bytes();
    if (without.available_bytes >= entry->free_before + held - held / 10) {
        return true;
    }
    std::erase_if(without.holders, [&](const Holder& holder) { return holder.name == entry->name(); });
    return std::ranges::any_of(entries, [&](const Entry& other) {
        return other->state == LoadedRunner::State::waiting && !other->planning &&
               other->need_bytes <= free_bytes(without);
    });
}

/// It is out of the table, and the arbiter may give its memory to the next.
void Scheduler::Impl::forget(const Entry& entry) {
    entry->state = LoadedRunner::State::gone;
    std::erase(entries, entry);
    arbiter.gone(entry->key, now());
    step();
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

} // namespace hearth::runtime
