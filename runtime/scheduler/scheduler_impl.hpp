#pragma once

#include "base/async/event.hpp"
#include "base/async/task_group.hpp"
#include "runtime/scheduler/arbiter.hpp"
#include "runtime/scheduler/crash_record.hpp"
#include "runtime/scheduler/loaded_runner.hpp"
#include "runtime/scheduler/memory_rule.hpp"
#include "runtime/scheduler/scheduler.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace hearth::runtime {

using Entry = std::shared_ptr<LoadedRunner>; // shared by the table, its tasks and leases
using Steady = std::chrono::steady_clock::time_point;

/// One request in the arbiter's books, from its asking until its lease ends. Owned by the acquire that waits, then by
/// the lease, which may outlive the scheduler.
struct Ticket {
    Ticket(const std::shared_ptr<Scheduler::Impl>& scheduler, std::string model_key,
           const AcquireRequest& wanted, PluginManifest backend);
    ~Ticket();
    Ticket(const Ticket&) = delete;

    std::weak_ptr<Scheduler::Impl> scheduler;
    RequestId id = 0;
    std::string key;
    std::string app;
    PluginManifest plugin;
    const AcquireRequest* request; ///< null once it has a lease
    Entry entry;                   ///< set: it is granted
    std::optional<Error> failure;  ///< set: it is refused
    AsyncEvent answered;
    Steady asked;
    std::optional<Place> told; ///< the last place that its client heard
    Steady told_at{};
};

/// The scheduler's state. One executor; between two co_awaits nothing else runs, so every decision is taken
/// on a consistent table. Whatever happens is told to the arbiter; then `step` carries out what it decides.
struct Scheduler::Impl : std::enable_shared_from_this<Scheduler::Impl> {
    Impl(boost::asio::any_io_executor executor, const Config& configuration,
         std::vector<PluginManifest> manifests, FileOpener file_opener,
         std::function<void(RuntimeEvent)> event_sink, SchedulerSeams outside);

    // scheduler.cpp: who gets what
    static boost::asio::awaitable<std::unique_ptr<RunnerLease>> acquire(std::shared_ptr<Impl> self,
                                                                        AcquireRequest request);
    static boost::asio::awaitable<bool> unload(std::shared_ptr<Impl> self, std::string name);
    const PluginManifest& choose_plugin(const AcquireRequest& request) const;
    std::string key_of(const AcquireRequest& request, const PluginManifest& plugin) const;
    std::int64_t wished_context(const AcquireRequest& request) const;
    void refuse_if_stopping_or_aside(const std::string& key, const std::string& name) const;
    void refuse_if_full(const Ticket& ticket) const;
    Entry find(const std::string& key) const;
    /// Why the loaded model is not enough for the request; empty: it is.
    std::string lacking(const Entry& entry, const AcquireRequest& request) const;
    void replace(const Entry& entry, const AcquireRequest& request, const std::string& lacks);
    void keep(const Entry& entry, std::chrono::nanoseconds keep_alive);
    void stop_all();

    // scheduler_line.cpp: the arbiter's decisions
    void enter(Ticket& ticket);
    void leave(Ticket& ticket);
    void step() noexcept;
    void carry_out(const Decision& decision);
    void grant(Ticket& ticket);
    void fail(Ticket& ticket, const Error& failure);
    void fail_all(const std::string& key, const Error& failure);
    Ticket* first_in_line(const std::string& key) const;
    int waiting_for(const std::string& key) const;
    bool anyone_waits() const;
    void tell_places();
    void tell_place(Ticket& ticket);
    LoadedModel row(const Entry& entry) const;
    boost::asio::awaitable<void> keep();
    Steady now() const { return seams.clock->steady_now(); }

    // scheduler_plan.cpp: what a load needs
    Entry make_entry(const Ticket& ticket);
    boost::asio::awaitable<void> plan(Entry entry);
    boost::asio::awaitable<ModelNeed> find_need(Entry entry);
    /// A way to load it in that room, or why there is none.
    struct Fit {
        std::optional<LoadPlan> plan;
        std::optional<Error> refusal;
    };
    boost::asio::awaitable<Fit> fit_in(registry::Model model, PluginManifest plugin, LoadOptions options,
                                       MemoryState state);
    boost::asio::awaitable<Fit> fit_alone(Entry entry);
    bool is_usual(const Entry& entry, const Fit& fit) const;
    ModelNeed take(const Entry& entry, Fit fit);
    boost::asio::awaitable<void> expect_replacement_fits(Entry entry, AcquireRequest request);
    void refuse(const Entry& entry, const Error& failure);
    void drop_unwanted(const Entry& entry);
    MemoryState memory() const;
    /// As if every other model were gone, but for those that are being loaded.
    MemoryState memory_alone() const;
    Budget budget() const;

    // scheduler_load.cpp: how runners come and go
    boost::asio::awaitable<void> load(Entry entry);
    boost::asio::awaitable<void> load_steps(Entry entry);
    void became_ready(const Entry& entry);
    boost::asio::awaitable<void> bury(Entry entry, Error failure);
    boost::asio::awaitable<void> watch(Entry entry);
    void note_lost(const Entry& entry);
    void begin_unload(const Entry& entry, std::string reason);
    boost::asio::awaitable<void> end_runner(Entry entry);
    boost::asio::awaitable<void> see_memory_free(Entry entry);
    bool is_seen_free(const Entry& entry) const;
    void forget(const Entry& entry);
    void emit(std::string type, const Entry& entry, std::string detail) const;

    boost::asio::any_io_executor executor;
    Config config;
    std::vector<PluginManifest> plugins;
    FileOpener opener;
    std::function<void(RuntimeEvent)> on_event;
    SchedulerSeams seams;

    Arbiter arbiter;
    std::vector<Entry> entries;           ///< from the plan to the end of the process
    std::map<RequestId, Ticket*> tickets; ///< who waits, in the order they came
    RequestId last_request = 0;
    /// What the load that follows a replacement must have beside what its own request asks for.
    struct Wanted {
        std::int64_t context_tokens = 0;
        bool embeddings = false;
        std::optional<memory::CacheType> kv_type;
    };
    std::map<std::string, Wanted> wanted; ///< by key
    DeviceBytes accelerator_limits;       ///< what all our models may hold there, as seen with the last plan
    CrashRecord crashes;
    bool stepping = false;
    bool keeping = false; ///< the task that steps when time is due runs
    bool stopping = false;
    AsyncEvent changed; ///< something was decided, or a model went
    TaskGroup tasks;
};

} // namespace hearth::runtime
