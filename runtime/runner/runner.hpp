#pragma once

#include "base/json.hpp"
#include "process/spawn.hpp"
#include "registry/model.hpp"

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

/// What a runner is told to load.
struct LoadSpec {
    std::string alias;               ///< name in answers; the descriptor's path must never show
    std::int64_t context_tokens = 0; ///< per sequence; 0: the model's own
    int parallel = 1;                ///< sequences at once
    int threads = 0;
    bool embeddings = false;
    std::string options_json; ///< JSON object of backend-specific options, may be empty
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
    /// Starts an operation ("chat", "complete", "embed", "tokenize", "template") with its JSON body.
    virtual boost::asio::awaitable<std::unique_ptr<RequestStream>> request(std::string operation,
                                                                           std::string body) = 0;
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
