#pragma once

#include "base/json.hpp"
#include "base/unique_fd.hpp"
#include "process/spawn.hpp"
#include "registry/model.hpp"
#include "runtime/memory/estimate.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hearth::runtime {

struct PluginManifest;

/// What a runner is told to load. What is absent is the backend's to choose.
struct LoadSpec {
    std::string alias;               ///< name in answers; the descriptor's path must never show
    std::int64_t context_tokens = 0; ///< per sequence; 0: the model's own
    int parallel = 1;                ///< sequences at once
    bool unified = true;             ///< sequences share one pool of cells; else each has its own
    int threads = 0;
    bool embeddings = false;
    std::optional<memory::CacheType> kv_type;
    std::optional<bool> flash_attention;
    std::optional<int> ubatch;
    std::optional<memory::LoadMode> load_mode;
    std::optional<int> gpu_layers;                   ///< from the end, the output layer is one
    std::vector<double> tensor_split;                ///< share of the offloaded layers per accelerator
    int expert_layers_on_host = 0;                   ///< of the offloaded layers, the first N
    std::optional<std::vector<std::string>> devices; ///< accelerators to use; empty: the CPU alone
    std::string options_json; ///< JSON object of backend-specific options, may be empty; wins over the above
};

/// Tells a load what the plan says: one function for loads and for dry runs, so that both mean the same.
/// @param accelerators  ids of the devices of `placement`, in order
void apply_plan(LoadSpec& spec, const memory::EstimateOptions& options, const memory::Placement& placement,
                const std::vector<std::string>& accelerators);

/// The same as an options_json, for who has nothing but that to carry a plan in: all but context, parallel and
/// embeddings.
std::string plan_options(const memory::EstimateOptions& options, const memory::Placement& placement,
                         const std::vector<std::string>& accelerators);

/// The canonical text of all of a spec that changes memory or speed, JSON with sorted members: the key that
/// measurements are kept under. The alias is no part of it.
/// @throws Error  invalid_argument: options_json is no JSON object
std::string settings_text(const LoadSpec& spec);

/// An accelerator that a dry run takes instead of the real ones.
struct PretendedDevice {
    std::string id;
    std::uint64_t bytes = 0;
};

/// A stream of events that a request produces. Destroying it cancels the request and frees its slot.
class RequestStream {
  public:
    virtual ~RequestStream() = default;
    /// The next event: one complete JSON object in the shape of the operation. nullopt at the end.
    /// @throws Error  what the backend reported; runner_lost when its process ended
    virtual boost::asio::awaitable<std::optional<std::string>> next() = 0;
};

/// One `hearth-runner` process with one plugin and, after `load`, one model: the parent's side. On the io
/// executor. `stop()` must have returned before it is destroyed; its streams may outlive it.
class Runner {
  public:
    virtual ~Runner() = default;

    /// @param files     descriptors, consumed
    /// @param progress  stage and 0 … 1, on the io thread
    /// @throws Error    load_failed, model_invalid, memory_insufficient, runner_lost
    virtual boost::asio::awaitable<void> load(LoadSpec spec, std::vector<registry::OpenModelFile> files,
                                              std::function<void(std::string, double)> progress) = 0;
    /// What a load would take, by the backend's own account, without reading weights.
    /// @param files    descriptors, consumed; headers alone will do, extended to the model's full size
    /// @param pretend  plan with these accelerators; empty: with the real ones
    /// @return         the backend's object: {"total_bytes", "devices": {"<id>": {"weights", "kv", …}}}
    /// @throws Error   model_invalid, invalid_argument, unsupported, runner_lost (the dry run may abort)
    virtual boost::asio::awaitable<Json> estimate(LoadSpec spec, std::vector<registry::OpenModelFile> files,
                                                  std::vector<PretendedDevice> pretend) = 0;
    /// Starts an operation ("chat", "complete", "embed", "tokenize", "template", "count") with its JSON body.
    virtual boost::asio::awaitable<std::unique_ptr<RequestStream>> request(std::string operation,
                                                                           std::string body) = 0;
    /// An operation of the runner itself that has one answer: "devices", "describe", "measure", "estimate"
    /// (runtime/host/host.hpp has their heads). Needs no model.
    /// @param head   JSON object with "op"
    /// @param files  descriptors that go with it, consumed
    /// @throws Error  what the backend reported; runner_lost when its process ended
    virtual boost::asio::awaitable<Json> ask(std::string head, std::vector<UniqueFd> files) = 0;
    /// What the backend says about the loaded model: {"context": n, "memory": {"total_bytes": …, "devices":
    /// {…}}, …}.
    virtual const Json& info() const = 0;
    virtual pid_t pid() const = 0;
    virtual bool alive() const = 0;
    /// Returns when the process has ended, for whatever reason. @return "exit code 0", "signal 9 (Killed)"
    virtual boost::asio::awaitable<std::string> wait_exit() = 0;
    /// Ends the process: close → TERM after 5 s → KILL after 10 s. Returns when it is reaped.
    virtual boost::asio::awaitable<void> stop() = 0;
};

/// Starts `hearth-runner` for a plugin, waits for its hello. @throws Error backend_failed
boost::asio::awaitable<std::unique_ptr<Runner>> start_runner(boost::asio::any_io_executor executor,
                                                             PluginManifest plugin);

} // namespace hearth::runtime
