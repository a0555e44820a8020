#pragma once

#include "base/async/task_group.hpp"
#include "daemon/handlers/translate.hpp"
#include "registry/measurements.hpp"
#include "runtime/memory/fit.hpp"
#include "runtime/scheduler/scheduler.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace hearth::daemon {

/// What loads and runs really took, kept for the next plan (its third layer). Recording never delays or fails
/// a request. Owned by the daemon, on the io executor; `stop()` is awaited before destruction.
class History {
  public:
    History(boost::asio::any_io_executor executor, registry::Measurements& measurements)
        : measurements_(measurements), tasks_(std::move(executor)) {}

    void note_load(const runtime::LoadRecord& record);
    /// Short answers say nothing about speed and are left out.
    void note_run(const registry::Model& model, const runtime::RunnerLease& lease,
                  const AnswerMetrics& metrics);

    /// Puts what was measured in the place of what was estimated, where the same model was loaded by the same
    /// engine in the same way.
    boost::asio::awaitable<void> apply(runtime::memory::Plan& plan, const registry::Model& model,
                                       const runtime::PluginManifest& plugin,
                                       const runtime::memory::Machine& machine);
    /// What a runner takes beside its buffers, once loads have shown it.
    boost::asio::awaitable<void> apply_fixed(runtime::memory::Machine& machine,
                                             const runtime::PluginManifest& plugin);
    boost::asio::awaitable<void> stop();

  private:
    registry::Measurements& measurements_;
    TaskGroup tasks_;
};

} // namespace hearth::daemon
