#pragma once

#include "base/config.hpp"
#include "base/json.hpp"
#include "base/time.hpp"
#include "registry/model.hpp"
#include "runtime/memory/estimate.hpp"
#include "runtime/runner/plugin_manifest.hpp"
#include "runtime/runner/runner.hpp"
#include "runtime/scheduler/arbiter.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hearth::runtime {

/// Load-time wishes of one request. What is absent is the planner's to choose.
struct LoadOptions {
    std::optional<std::int64_t> context_tokens; ///< num_ctx; a smaller or equal one never reloads
    std::optional<int> parallel;
    std::optional<int> threads;
    std::optional<memory::CacheType> kv_type;
    std::optional<memory::LoadMode> load_mode;
    std::optional<bool> unified;   ///< sequences share one cache
    std::optional<int> gpu_layers; ///< num_gpu
    bool force = false;            ///< load although it does not fit
    std::string backend;           ///< empty: configured, else chosen by the model's format
    bool embeddings =
        false; ///< vectors are wanted; a chat model loaded without reloads once and then serves both

    friend bool operator==(const LoadOptions&, const LoadOptions&) = default;
};

/// What a request needs beside the model itself.
struct AcquireRequest {
    std::optional<registry::Model> model; ///< nullopt for backends that need none; then `name` is all
    std::string name;                     ///< what answers and `ps` call it: the short name
    LoadOptions options;
    std::optional<std::chrono::nanoseconds>
        keep_alive; ///< negative: for ever; stays on the runner until another sets it
    /// Of this model, for a load whose request names none; absent: the service's.
    std::optional<std::chrono::nanoseconds> usual_keep_alive{};
    std::function<void(std::string stage, double fraction)> on_progress; ///< loading; may be empty
    std::string app{}; ///< who asks: a token's name or the path of a program; empty: unknown
    std::function<void(const Place&)>
        on_wait{}; ///< for room, when its place or the reason changes; may be empty
};

/// The right to use a loaded runner. While any lease is held the runner is not unloaded; when the last ends,
/// keep-alive starts.
class RunnerLease {
  public:
    virtual ~RunnerLease() = default;
    virtual boost::asio::awaitable<std::unique_ptr<RequestStream>> request(std::string operation,
                                                                           std::string body) = 0;
    virtual const Json& info() const = 0;
    virtual const PluginManifest& plugin() const = 0;
    virtual const LoadSpec& spec() const = 0; ///< as it was loaded
    /// Zero when it was loaded already.
    virtual std::chrono::nanoseconds load_duration() const = 0;
    virtual std::int64_t context_tokens() const = 0;
};

/// A row of /api/ps.
struct LoadedModel {
    std::string name;
    std::optional<registry::Model> model;
    std::string backend;
    std::int64_t context_tokens = 0;
    std::uint64_t size_bytes = 0; ///< memory the backend reported
    std::uint64_t size_vram_bytes = 0;
    std::string plan;                   ///< how it was loaded, for people; empty without a planner
    std::optional<WallTime> expires_at; ///< nullopt: for ever (or busy)
    int active_requests = 0;
    pid_t pid = -1;
    std::string state;                  ///< loading, ready, stopping
    DeviceBytes bytes{};                ///< by device; together at least `size_bytes`
    std::map<std::string, int> users{}; ///< who uses it now, with requests; apps that nobody knows as ""
    int waiting_requests = 0;           ///< for it to be loaded, or loaded again
    std::string reason{};               ///< why it is here, or why it goes, for people: one clause
};

/// What may be planned with: memory that can be had once every idle model is gone.
struct MemoryRoom {
    std::uint64_t system_bytes = 0;           ///< what the system can give
    std::optional<std::uint64_t> limit_bytes; ///< what memory.ram_limit leaves; absent: no limit is set
    DeviceBytes freed{};    ///< of accelerators: more than the system says, when those that may go are gone
    DeviceBytes promised{}; ///< of accelerators: less than it says, for what is being loaded
};

/// How a model will be loaded and what that takes: the planner's answer.
struct LoadPlan {
    LoadSpec spec;                     ///< all but the alias
    std::uint64_t host_bytes = 0;      ///< to be reserved in RAM
    DeviceBytes accelerator_bytes{};   ///< to be reserved on devices with memory of their own
    DeviceBytes accelerator_room{};    ///< what these could give, by what was seen and by `MemoryRoom`
    std::chrono::nanoseconds reload{}; ///< how long loading it takes; 0: nobody can say
    std::string text;                  ///< for people: "Q4_K_M, 4096 tokens x 4, cpu, 1.2 GB"
    std::string choice_json;           ///< the plan's choice, kept beside what was measured
};

/// A load that has ended well, for whoever keeps measurements.
struct LoadRecord {
    registry::Model model;
    PluginManifest plugin;
    LoadSpec spec;
    std::optional<LoadPlan> plan;
    std::string info_json; ///< what the backend said
    std::chrono::nanoseconds took{};
    pid_t pid = -1;
};

/// What happens to models, for the event stream: type is model.waiting, model.loading, model.loaded, model.unloaded,
/// runner.lost.
struct RuntimeEvent {
    std::string type;
    std::string model;
    std::string detail;
    std::string app{};          ///< of model.waiting: whose request
    std::optional<int> ahead{}; ///< of model.waiting: as Place has it
};

/// What the scheduler takes from the outside, replaced by tests. Every member is set.
struct SchedulerSeams {
    std::function<boost::asio::awaitable<std::unique_ptr<Runner>>(PluginManifest)> start_runner;
    std::function<std::uint64_t()> available_memory_bytes; ///< what programs can still allocate
    const Clock* clock = nullptr;
    /// Returns at that time of `clock`; cancellable.
    std::function<boost::asio::awaitable<void>(std::chrono::steady_clock::time_point)> wait_until;
    /// Plans a load of a model with files. nullopt: nobody can know, the rule over file sizes holds.
    /// @throws Error  memory_insufficient, with the nearest plans that fit
    std::function<boost::asio::awaitable<std::optional<LoadPlan>>(registry::Model, PluginManifest,
                                                                  LoadOptions, MemoryRoom)>
        plan_load = no_plan;
    std::function<void(const LoadRecord&)> on_loaded = [](const LoadRecord&) {};

    static boost::asio::awaitable<std::optional<LoadPlan>> no_plan(registry::Model, PluginManifest,
                                                                   LoadOptions, MemoryRoom);
};
/// Real processes, /proc/meminfo, the system's clock.
SchedulerSeams system_seams(boost::asio::any_io_executor executor);

/// Who may load and what stays loaded: carries out what the Arbiter decides. Models are loaded on demand and stay for
/// keep-alive; what does not fit beside the others waits for its turn and is told its place; what could not be loaded
/// though all others were gone is refused with numbers (memory_insufficient). On the io executor.
class Scheduler {
  public:
    using FileOpener =
        std::function<boost::asio::awaitable<std::vector<registry::OpenModelFile>>(registry::Model)>;

    /// So many requests may wait for a model to be loaded.
    static constexpr std::size_t most_waiting = 512;

    Scheduler(boost::asio::any_io_executor executor, const Config& config,
              std::vector<PluginManifest> plugins, FileOpener opener,
              std::function<void(RuntimeEvent)> on_event);
    Scheduler(boost::asio::any_io_executor executor, const Config& config,
              std::vector<PluginManifest> plugins, FileOpener opener,
              std::function<void(RuntimeEvent)> on_event, SchedulerSeams seams);
    /// `stop()` must have returned, or nothing was ever acquired.
    ~Scheduler();

    /// Loads or joins a loaded runner, when its turn has come. A runner that died is replaced. Whoever is cancelled
    /// leaves the line. @throws Error as Runner::load; backend_not_found; memory_insufficient; busy: the line is full
    boost::asio::awaitable<std::unique_ptr<RunnerLease>> acquire(AcquireRequest request);
    /// Sets a runner's keep-alive without using it; 0 unloads it when idle. No-op when not loaded. @return
    /// was it loaded
    bool set_keep_alive(const std::string& name, std::chrono::nanoseconds keep_alive);
    /// Unloads every runner of the name and returns when the memory is free; running requests end with
    /// `cancelled`.
    boost::asio::awaitable<bool> unload(std::string name);
    std::vector<LoadedModel> loaded() const;
    const std::vector<PluginManifest>& plugins() const;
    /// What is loaded from now on runs on this one in place of the one of the same name; what is loaded stays as it is.
    void replace_plugin(PluginManifest plugin);
    /// What is loaded on a variant that another replaced goes when nobody uses it: no new request finds it.
    void release_replaced();
    /// Refuses new work, ends what is loaded, returns when every process is reaped.
    boost::asio::awaitable<void> stop();

    struct Impl; ///< scheduler/scheduler_impl.hpp

  private:
    std::shared_ptr<Impl> impl_; // shared with waiting acquires and, weakly, with leases: both may outlive
                                 // stop() by a resumption
};

} // namespace hearth::runtime
