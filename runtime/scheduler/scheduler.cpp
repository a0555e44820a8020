#include "runtime/scheduler/scheduler.hpp"

#include "base/async/timeout.hpp"
#include "base/error.hpp"
#include "runtime/scheduler/scheduler_impl.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

namespace hearth::runtime {

namespace asio = boost::asio;

namespace {

/// Gives its share back to the scheduler, if that still exists.
class Lease final : public RunnerLease {
  public:
    Lease(std::weak_ptr<Scheduler::Impl> scheduler, Entry entry, std::chrono::nanoseconds load_duration)
        : scheduler_(std::move(scheduler)), entry_(std::move(entry)), load_duration_(load_duration) {}
    ~Lease() override {
        if (const auto scheduler = scheduler_.lock()) {
            scheduler->release(entry_);
        }
    }

    asio::awaitable<std::unique_ptr<RequestStream>> request(std::string operation,
                                                            std::string body) override {
        if (!entry_->plugin.has_operation(operation)) {
            throw Error(ErrorCode::unsupported,
                        fmt::format("backend {} cannot \"{}\"", entry_->plugin.name, operation),
                        fmt::format("it can: {}", fmt::join(entry_->plugin.operations, ", ")));
        }
        return entry_->runner->request(std::move(operation), std::move(body));
    }
    const Json& info() const override { return entry_->info; }
    const PluginManifest& plugin() const override { return entry_->plugin; }
    const LoadSpec& spec() const override { return entry_->spec; }
    std::chrono::nanoseconds load_duration() const override { return load_duration_; }
    std::int64_t context_tokens() const override { return entry_->context_tokens(); }

  private:
    std::weak_ptr<Scheduler::Impl> scheduler_;
    Entry entry_;
    std::chrono::nanoseconds load_duration_;
};

/// One acquire that waits for a load: keeps the model from being called idle and hears its progress.
class Waiter {
  public:
    Waiter(std::shared_ptr<Scheduler::Impl> scheduler, Entry entry, const AcquireRequest& request)
        : scheduler_(std::move(scheduler)), entry_(std::move(entry)) {
        ++entry_->waiters;
        entry_->listeners.push_back(request.on_progress);
        listener_ = std::prev(entry_->listeners.end());
        if (request.on_progress && !entry_->stage.empty()) {
            request.on_progress(entry_->stage, entry_->fraction);
        }
    }
    ~Waiter() {
        --entry_->waiters;
        entry_->listeners.erase(listener_);
        scheduler_->changed.notify_all();
    }
    Waiter(const Waiter&) = delete;

  private:
    std::shared_ptr<Scheduler::Impl> scheduler_; // the waiting coroutine may be the last to go
    Entry entry_;
    std::list<std::function<void(std::string, double)>>::iterator listener_;
};

} // namespace

Scheduler::Impl::Impl(asio::any_io_executor io, const Config& configuration,
                      std::vector<PluginManifest> manifests, FileOpener file_opener,
                      std::function<void(RuntimeEvent)> event_sink, SchedulerSeams outside)
    : executor(io), config(configuration), plugins(std::move(manifests)), opener(std::move(file_opener)),
      on_event(std::move(event_sink)), seams(std::move(outside)), changed(io), tasks(io) {}

asio::awaitable<std::unique_ptr<RunnerLease>> Scheduler::Impl::acquire(std::shared_ptr<Impl> self,
                                                                       AcquireRequest request) {
    const PluginManifest plugin = self->choose_plugin(request);
    const std::string key = self->key_of(request, plugin);
    std::optional<LoadedRunner::Steady> waiting_since;
    bool replacement_fits = false;
    while (true) {
        self->refuse_if_stopping_or_aside(key, request.name);
        Entry entry = self->find(key);
        if (!entry) {
            entry = self->begin_load(key, request, plugin);
        }
        if (entry->state == LoadedRunner::State::loading) {
            waiting_since = waiting_since.value_or(self->seams.clock->steady_now());
            const Waiter waiter(self, entry, request);
            while (entry->state == LoadedRunner::State::loading) {
                co_await self->changed.wait();
            }
        }
        if (entry->failure) {
            throw Error(*entry->failure); // a copy: those who joined add their own context
        }
        if (!replacement_fits && entry->usable() && !self->lacking(entry, request).empty()) {
            co_await self->expect_replacement_fits(entry, request); // or what works now would go for nothing
            replacement_fits = true;
            continue; // anything may have happened meanwhile
        }
        if (entry->usable() && !self->drains(entry, request)) {
            co_return self->grant(entry, request, waiting_since);
        }
        co_await self->changed.wait(); // it is being replaced, unloaded or buried
    }
}

const PluginManifest& Scheduler::Impl::choose_plugin(const AcquireRequest& request) const {
    const std::string& wish = request.options.backend.empty() ? config.backend : request.options.backend;
    auto fits = [&](const PluginManifest& plugin) {
        if (!wish.empty()) {
            return plugin.name == wish;
        }
        return request.model &&
               std::ranges::find(plugin.formats, request.model->details.format) != plugin.formats.end();
    };
    const auto found = std::ranges::find_if(plugins, fits);
    if (found == plugins.end()) {
        std::vector<std::string> names;
        std::ranges::transform(plugins, std::back_inserter(names), &PluginManifest::name);
        const std::string what =
            !wish.empty()   ? "there is no backend " + wish
            : request.model ? fmt::format("no backend reads {} models", request.model->details.format)
                            : "no backend was named";
        throw Error(ErrorCode::backend_not_found, what,
                    names.empty() ? "no backend plugin is installed"
                                  : fmt::format("installed: {}", fmt::join(names, ", ")));
    }
    if (!request.model && found->needs_model()) {
        throw Error(ErrorCode::invalid_argument, fmt::format("backend {} needs a model", found->name));
    }
    return *found;
}

std::string Scheduler::Impl::key_of(const AcquireRequest& request, const PluginManifest& plugin) const {
    return plugin.name + "\n" + (request.model ? request.model->files_key() : request.name);
}

std::int64_t Scheduler::Impl::wished_context(const AcquireRequest& request) const {
    const std::int64_t most = request.model ? request.model->details.context_length : 0;
    const std::int64_t wish = request.options.context_tokens.value_or(0);
    return wish <= 0 ? 0 : most > 0 ? std::min(wish, most) : wish;
}

void Scheduler::Impl::refuse_if_stopping_or_aside(const std::string& key, const std::string& name) const {
    if (stopping) {
        throw Error(ErrorCode::cancelled, "the service is stopping");
    }
    if (const auto left = crashes.put_aside_for(key, seams.clock->steady_now())) {
        throw Error(
            ErrorCode::backend_failed,
            fmt::format(
                "the backend ended {} times within a minute with {}; it is not started again for {} s",
                CrashRecord::deaths_allowed, name, left->count()),
            fmt::format(
                "`hearth stop {}` lets it try at once; the service's log has the backend's last lines",
                name));
    }
}

Entry Scheduler::Impl::find(const std::string& key) const {
    const auto found = std::ranges::find_if(entries, [&](const Entry& entry) { return entry->key == key; });
    return found == entries.end() ? nullptr : *found;
}

std::string Scheduler::Impl::lacking(const Entry& entry, const AcquireRequest& request) const {
    if (wished_context(request) > entry->largest_context()) {
        return "a larger context was asked for";
    }
    if (request.options.embeddings && entry->model && !entry->spec.embeddings) {
        return "embeddings were asked for";
    }
    const bool other_cache = request.options.kv_type && request.options.kv_type != entry->kv_type();
    if (other_cache) {
        return "another cache type was asked for";
    }
    if (request.options.parallel.value_or(0) > entry->most_sequences()) {
        return "more requests at once were asked for";
    }
    const bool other_mode = request.options.load_mode && !entry->is_loaded_by(*request.options.load_mode);
    return other_mode ? "another way to load it was asked for" : "";
}

/// @throws Error  as the planner: the load that the request asks for could not follow
asio::awaitable<void> Scheduler::Impl::expect_replacement_fits(Entry entry, AcquireRequest request) {
    if (!entry->model) {
        co_return;
    }
    MemoryState state = memory();
    for (std::size_t i = 0; i < entries.size(); ++i) {
        state.holders[i].kind = entries[i] == entry ? Holder::Kind::idle : state.holders[i].kind;
    }
    co_await seams.plan_load(*entry->model, entry->plugin, request.options, room(state));
}

bool Scheduler::Impl::drains(const Entry& entry, const AcquireRequest& request) {
    const std::int64_t wish = wished_context(request);
    if (const std::string lacks = lacking(entry, request); !lacks.empty()) {
        entry->drain_reason = lacks;
        Wanted& next = wanted[entry->key]; // what it has now stays, or two clients would reload it in turns
        next.context_tokens = std::max({next.context_tokens, wish, entry->largest_context()});
        next.embeddings = next.embeddings || request.options.embeddings || entry->spec.embeddings;
        if (request.options.kv_type) {
            next.kv_type = request.options.kv_type;
        }
    }
    const bool draining = !entry->drain_reason.empty();
    if (draining && !entry->busy()) {
        begin_unload(entry, entry->drain_reason);
    }
    return draining;
}

std::unique_ptr<RunnerLease> Scheduler::Impl::grant(const Entry& entry, const AcquireRequest& request,
                                                    std::optional<LoadedRunner::Steady> waiting_since) {
    ++entry->leases;
    entry->add_name(request.name);
    entry->keep_alive = request.keep_alive.value_or(entry->keep_alive);
    const auto waited =
        waiting_since ? seams.clock->steady_now() - *waiting_since : std::chrono::nanoseconds(0);
    changed.notify_all();
    return std::make_unique<Lease>(weak_from_this(), entry, waited);
}

void Scheduler::Impl::release(const Entry& entry) {
    --entry->leases;
    if (entry->state == LoadedRunner::State::ready && !entry->busy()) {
        entry->set_idle(*seams.clock);
        if (!entry->drain_reason.empty()) {
            begin_unload(entry, entry->drain_reason);
        }
    }
    changed.notify_all();
}

asio::awaitable<void> Scheduler::Impl::keep() {
    using asio::experimental::awaitable_operators::operator||;
    while (!stopping) {
        const auto now = seams.clock->steady_now();
        for (const Entry& entry : std::vector<Entry>(entries)) {
            if (entry->state == LoadedRunner::State::ready && !entry->busy() && entry->expires &&
                *entry->expires <= now) {
                begin_unload(entry, "keep-alive ended");
            }
        }
        if (const auto next = next_expiry()) {
            co_await (seams.wait_until(*next) || changed.wait());
        } else {
            co_await changed.wait();
        }
    }
}

std::optional<LoadedRunner::Steady> Scheduler::Impl::next_expiry() const {
    std::optional<LoadedRunner::Steady> next;
    for (const Entry& entry : entries) {
        if (entry->state == LoadedRunner::State::ready && !entry->busy() && entry->expires) {
            next = std::min(next.value_or(*entry->expires), *entry->expires);
        }
    }
    return next;
}

Scheduler::Scheduler(asio::any_io_executor executor, const Config& config,
                     std::vector<PluginManifest> plugins, FileOpener opener,
                     std::function<void(RuntimeEvent)> on_event)
    : Scheduler(executor, config, std::move(plugins), std::move(opener), std::move(on_event),
                system_seams(executor)) {}

Scheduler::Scheduler(asio::any_io_executor executor, const Config& config,
                     std::vector<PluginManifest> plugins, FileOpener opener,
                     std::function<void(RuntimeEvent)> on_event, SchedulerSeams seams)
    : impl_(std::make_shared<Impl>(executor, config, std::move(plugins), std::move(opener),
                                   std::move(on_event), std::move(seams))) {}

Scheduler::~Scheduler() = default;

asio::awaitable<std::unique_ptr<RunnerLease>> Scheduler::acquire(AcquireRequest request) {
    return Impl::acquire(impl_, std::move(request));
}

bool Scheduler::set_keep_alive(const std::string& name, std::chrono::nanoseconds keep_alive) {
    bool found = false;
    for (const Entry& entry : impl_->entries) {
        if (entry->has_name(name) && entry->state != LoadedRunner::State::stopping) {
            found = true;
            entry->keep_alive = keep_alive;
            entry->set_idle(*impl_->seams.clock);
        }
    }
    impl_->changed.notify_all();
    return found;
}

asio::awaitable<bool> Scheduler::unload(std::string name) {
    return Impl::unload(impl_, std::move(name));
}

asio::awaitable<bool> Scheduler::Impl::unload(std::shared_ptr<Impl> self, std::string name) {
    std::vector<Entry> leaving;
    for (const Entry& entry : std::vector<Entry>(self->entries)) {
        if (entry->has_name(name)) {
            self->begin_unload(entry, "asked for");
            leaving.push_back(entry);
        }
    }
    self->crashes.forgive(name);
    for (const Entry& entry : leaving) {
        while (entry->state != LoadedRunner::State::gone) {
            co_await self->changed.wait();
        }
    }
    co_return !leaving.empty();
}

std::vector<LoadedModel> Scheduler::loaded() const {
    std::vector<LoadedModel> rows;
    std::ranges::transform(impl_->entries, std::back_inserter(rows),
                           [](const Entry& entry) { return entry->row(); });
    return rows;
}

const std::vector<PluginManifest>& Scheduler::plugins() const {
    return impl_->plugins;
}

asio::awaitable<void> Scheduler::stop() {
    const std::shared_ptr<Impl> impl = impl_;
    impl->stopping = true;
    for (const Entry& entry : std::vector<Entry>(impl->entries)) {
        impl->begin_unload(entry, "the service is stopping");
    }
    impl->changed.notify_all();
    co_await impl->tasks.join();
}

asio::awaitable<std::optional<LoadPlan>> SchedulerSeams::no_plan(registry::Model, PluginManifest, LoadOptions,
                                                                 MemoryRoom) {
    co_return std::nullopt;
}

SchedulerSeams system_seams(asio::any_io_executor executor) {
    SchedulerSeams seams;
    seams.start_runner = [executor](PluginManifest plugin) {
        return start_runner(executor, std::move(plugin));
    };
    seams.available_memory_bytes = system_available_bytes;
    seams.clock = &system_clock();
    seams.wait_until = [](std::chrono::steady_clock::time_point time) {
        return sleep_for(time - system_clock().steady_now());
    };
    return seams;
}

} // namespace hearth::runtime
