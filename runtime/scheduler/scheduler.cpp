#include "runtime/scheduler/scheduler.hpp"

#include "base/async/timeout.hpp"
#include "base/error.hpp"
#include "runtime/scheduler/scheduler_impl.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

namespace hearth::runtime {

namespace asio = boost::asio;

namespace {

class Lease final : public RunnerLease {
  public:
    Lease(std::unique_ptr<Ticket> ticket, std::chrono::nanoseconds load_duration)
        : ticket_(std::move(ticket)), entry_(*ticket_->entry), load_duration_(load_duration) {}

    asio::awaitable<std::unique_ptr<RequestStream>> request(std::string operation,
                                                            std::string body) override {
        if (!entry_.plugin.has_operation(operation)) {
            throw Error(ErrorCode::unsupported,
                        fmt::format("backend {} cannot \"{}\"", entry_.plugin.name, operation),
                        fmt::format("it can: {}", fmt::join(entry_.plugin.operations, ", ")));
        }
        return entry_.runner->request(std::move(operation), std::move(body));
    }
    const Json& info() const override { return entry_.info; }
    const PluginManifest& plugin() const override { return entry_.plugin; }
    const LoadSpec& spec() const override { return entry_.spec; }
    std::chrono::nanoseconds load_duration() const override { return load_duration_; }
    std::int64_t context_tokens() const override { return entry_.context_tokens(); }

  private:
    std::unique_ptr<Ticket> ticket_; // gives its share back when it goes
    LoadedRunner& entry_;            // the ticket's
    std::chrono::nanoseconds load_duration_;
};

} // namespace

Scheduler::Impl::Impl(asio::any_io_executor io, const Config& configuration,
                      std::vector<PluginManifest> manifests, FileOpener file_opener,
                      std::function<void(RuntimeEvent)> event_sink, SchedulerSeams outside)
    : executor(io), config(configuration), plugins(std::move(manifests)), opener(std::move(file_opener)),
      on_event(std::move(event_sink)), seams(std::move(outside)), arbiter(ArbiterSettings()), changed(io),
      tasks(io) {}

asio::awaitable<std::unique_ptr<RunnerLease>> Scheduler::Impl::acquire(std::shared_ptr<Impl> self,
                                                                       AcquireRequest request) {
    const PluginManifest plugin = self->choose_plugin(request);
    const std::string key = self->key_of(request, plugin);
    std::optional<Steady> waiting_since;
    bool replacement_fits = false;
    while (true) {
        self->refuse_if_stopping_or_aside(key, request.name);
        auto ticket = std::make_unique<Ticket>(self, key, request, plugin);
        self->enter(*ticket);
        self->refuse_if_full(*ticket);
        while (!ticket->entry && !ticket->failure) {
            waiting_since = waiting_since.value_or(ticket->asked);
            co_await ticket->answered.wait();
        }
        if (ticket->failure) {
            throw Error(*ticket->failure); // a copy: whoever catches it adds context
        }
        const Entry entry = ticket->entry;
        if (!entry->usable()) {
            self->note_lost(entry);
            continue;
        }
        const std::string lacks = self->lacking(entry, request);
        if (lacks.empty()) {
            ticket->request = nullptr; // it goes with this coroutine
            const auto waited = waiting_since ? self->now() - *waiting_since : std::chrono::nanoseconds(0);
            co_return std::make_unique<Lease>(std::move(ticket), waited);
        }
        if (!replacement_fits) {
            co_await self->expect_replacement_fits(entry, request); // or what works now would go for nothing
            replacement_fits = true;
        }
        self->replace(entry, request, lacks);
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
    return fmt::format("{} {}\n", plugin.name, plugin.passed_over) +
           (request.model ? request.model->files_key() : request.name);
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

/// @throws Error  busy: one more would wait than may
void Scheduler::Impl::refuse_if_full(const Ticket& ticket) const {
    if (!ticket.entry && tickets.size() > most_waiting) {
        throw Error(ErrorCode::busy, fmt::format("{} requests wait for a model already", most_waiting),
                    "ask again later; `hearth ps` shows what is loaded and what is waited for");
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

/// Whoever comes from now on waits for a load that has what is lacking and all that there is now, or two clients would
/// reload it in turns.
void Scheduler::Impl::replace(const Entry& entry, const AcquireRequest& request, const std::string& lacks) {
    Wanted& next = wanted[entry->key];
    next.context_tokens = std::max({next.context_tokens, wished_context(request), entry->largest_context()});
    next.embeddings = next.embeddings || request.options.embeddings || entry->spec.embeddings;
    if (request.options.kv_type) {
        next.kv_type = request.options.kv_type;
    }
    arbiter.retire(entry->key, lacks);
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

void Scheduler::Impl::keep(const Entry& entry, std::chrono::nanoseconds keep_alive) {
    entry->keep_alive = keep_alive;
    entry->set_idle(*seams.clock);
    arbiter.keep(entry->key, keep_alive, now());
}

bool Scheduler::set_keep_alive(const std::string& name, std::chrono::nanoseconds keep_alive) {
    bool found = false;
    for (const Entry& entry : impl_->entries) {
        if (entry->has_name(name) && entry->state != LoadedRunner::State::stopping) {
            found = true;
            impl_->keep(entry, keep_alive);
        }
    }
    impl_->step();
    return found;
}

asio::awaitable<bool> Scheduler::unload(std::string name) {
    return Impl::unload(impl_, std::move(name));
}

asio::awaitable<bool> Scheduler::Impl::unload(std::shared_ptr<Impl> self, std::string name) {
    const std::string reason = "asked for";
    std::vector<Entry> leaving;
    for (const Entry& entry : std::vector<Entry>(self->entries)) {
        if (!entry->has_name(name)) {
            continue;
        }
        leaving.push_back(entry);
        self->arbiter.dismiss(entry->key, reason);
        if (entry->state == LoadedRunner::State::waiting) {
            self->begin_unload(entry, reason);
        }
    }
    self->crashes.forgive(name);
    self->step();
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
                           [this](const Entry& entry) { return impl_->row(entry); });
    return rows;
}

void Scheduler::replace_plugin(PluginManifest plugin) {
    const auto found = std::ranges::find(impl_->plugins, plugin.name, &PluginManifest::name);
    if (found != impl_->plugins.end()) {
        *found = std::move(plugin);
    }
}

void Scheduler::release_replaced() {
    for (const Entry& entry : impl_->entries) {
        const auto used = std::ranges::find(impl_->plugins, entry->plugin.name, &PluginManifest::name);
        const bool replaced = used != impl_->plugins.end() && used->passed_over != entry->plugin.passed_over;
        if (replaced && entry->state != LoadedRunner::State::stopping) {
            impl_->keep(entry, std::chrono::nanoseconds(0));
        }
    }
    impl_->step();
}

const std::vector<PluginManifest>& Scheduler::plugins() const {
    return impl_->plugins;
}

asio::awaitable<void> Scheduler::stop() {
    const std::shared_ptr<Impl> impl = impl_;
    impl->stop_all();
    co_await impl->tasks.join();
}

void Scheduler::Impl::stop_all() {
    stopping = true;
    const Error failure(ErrorCode::cancelled, "the service is stopping");
    for (const auto& [id, ticket] : std::map(tickets)) {
        fail(*ticket, failure);
    }
    for (const Entry& entry : std::vector<Entry>(entries)) {
        begin_unload(entry, "the service is stopping");
    }
    changed.notify_all();
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
