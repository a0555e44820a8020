#pragma once

#include "base/async/event.hpp"
#include "base/async/task_group.hpp"
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

/// The scheduler's state. One executor; between two co_awaits nothing else runs, so every decision is taken
/// on a consistent table. Whatever changes calls `changed.notify_all()`; whoever waits looks again.
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
    Entry find(const std::string& key) const;
    /// Why the loaded model is not enough for the request; empty: it is.
    std::string lacking(const Entry& entry, const AcquireRequest& request) const;
    boost::asio::awaitable<void> expect_replacement_fits(Entry entry, AcquireRequest request);
    bool drains(const Entry& entry, const AcquireRequest& request);
    std::unique_ptr<RunnerLease> grant(const Entry& entry, const AcquireRequest& request,
                                       std::optional<LoadedRunner::Steady> waiting_since);
    void release(const Entry& entry);
    boost::asio::awaitable<void> keep();
    std::optional<LoadedRunner::Steady> next_expiry() const;

    // scheduler_load.cpp: how runners come and go
    Entry begin_load(const std::string& key, const AcquireRequest& request, const PluginManifest& plugin);
    boost::asio::awaitable<void> load(Entry entry);
    boost::asio::awaitable<void> load_steps(Entry entry);
    boost::asio::awaitable<void> admit(Entry entry);
    boost::asio::awaitable<void> plan(Entry entry);
    boost::asio::awaitable<void> make_room(Entry entry);
    Entry longest_idle() const;
    MemoryState memory() const;
    void became_ready(const Entry& entry);
    boost::asio::awaitable<void> bury(Entry entry, Error failure);
    boost::asio::awaitable<void> watch(Entry entry);
    void begin_unload(const Entry& entry, std::string reason);
    boost::asio::awaitable<void> end_runner(Entry entry);
    void forget(const Entry& entry);
    void emit(std::string type, const Entry& entry, std::string detail) const;

    boost::asio::any_io_executor executor;
    Config config;
    std::vector<PluginManifest> plugins;
    FileOpener opener;
    std::function<void(RuntimeEvent)> on_event;
    SchedulerSeams seams;

    std::vector<Entry> entries; ///< loading, ready and stopping
    /// What the load that follows a drain must have beside what its own request asks for.
    struct Wanted {
        std::int64_t context_tokens = 0;
        bool embeddings = false;
        std::optional<memory::CacheType> kv_type;
    };
    std::map<std::string, Wanted> wanted; ///< by key
    CrashRecord crashes;
    bool admitting = false; ///< one load at a time decides about memory
    bool keeping = false;   ///< the keep-alive task runs
    bool stopping = false;
    AsyncEvent changed;
    TaskGroup tasks;
};

} // namespace hearth::runtime
