#pragma once

#include "base/async/event.hpp"
#include "runtime/memory/estimate.hpp"
#include "runtime/runner/runner.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace hearth::runtime::memory {

/// One question to the engine.
struct DryRunQuestion {
    EstimateOptions options;
    Placement placement;
    std::vector<std::string> accelerators; ///< ids of the devices of `placement`, in order
    /// Their sizes when they are not there ("what if"), in the same order; empty: they are real.
    std::vector<std::uint64_t> pretended_bytes;
    /// Consumed. Headers alone will do, extended to the model's full size: registry/gguf/probe.hpp makes them.
    std::vector<registry::OpenModelFile> files;
    std::string options_json; ///< the user's own options of the backend, as the load will have them
};

/// The engine could not say: it crashed, took too long, or does not take such a model. An answer, not an error.
struct DryRunFailed {
    std::string
        reason; ///< "the engine's dry run failed: the backend ended unexpectedly (signal 6 (Aborted))"
};
using DryRunAnswer = std::variant<Estimate, DryRunFailed>;

/// The second layer of a plan (L2): the engine's own account of a load, from a `hearth-runner` that loads
/// nothing. The runner is started with the first question, answers many, and is ended by `stop` or by a
/// question that it does not survive. On the io executor; questions are answered one after the other.
class DryRun {
  public:
    using Start = std::function<boost::asio::awaitable<std::unique_ptr<Runner>>()>;

    /// @param start       starts a runner of the backend in question
    /// @param time_limit  for one answer, the start of the runner included; then the runner is killed
    DryRun(boost::asio::any_io_executor executor, Start start,
           std::chrono::steady_clock::duration time_limit = std::chrono::seconds(5));
    /// `stop()` must have returned.
    ~DryRun();
    DryRun(const DryRun&) = delete;

    /// @throws Error  cancelled: the caller's coroutine was; nothing else
    boost::asio::awaitable<DryRunAnswer> estimate(DryRunQuestion question);
    /// Ends the runner; another question would start one again.
    boost::asio::awaitable<void> stop();

  private:
    /// @param answer  outlives the call
    boost::asio::awaitable<void> ask(DryRunQuestion question, std::optional<Estimate>* answer);
    boost::asio::awaitable<void> kill();

    Start start_;
    std::chrono::steady_clock::duration time_limit_;
    std::unique_ptr<Runner> runner_;
    bool busy_ = false;
    AsyncEvent free_;
};

} // namespace hearth::runtime::memory
