#pragma once

#include "base/async/event.hpp"
#include "base/async/task_group.hpp"
#include "runtime/runner/plugin_manifest.hpp"
#include "runtime/runner/runner.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>

namespace hearth::runtime {

/// A runner that starts before it is needed: while the memory for a load is being freed, its program starts, locks itself
/// and opens its plugin. One at most; it holds no model, and ends when nobody has taken it in time. Owned by the daemon,
/// on the io executor; `stop()` is awaited before destruction.
class SpareRunner {
  public:
    using Starter = std::function<boost::asio::awaitable<std::unique_ptr<Runner>>(PluginManifest)>;
    /// Returns when a spare has waited long enough; cancellable.
    using Patience = std::function<boost::asio::awaitable<void>()>;

    SpareRunner(boost::asio::any_io_executor executor, Starter start, Patience patience);
    SpareRunner(const SpareRunner&) = delete;
    ~SpareRunner();

    /// Starts one in the background, unless there is one already. A failure is told to whoever takes it.
    void prepare(PluginManifest plugin);
    /// The spare of this plugin, once it has started; else one that is started now. @throws Error as the starter
    boost::asio::awaitable<std::unique_ptr<Runner>> take(PluginManifest plugin);
    /// Ends the spare.
    boost::asio::awaitable<void> stop();

  private:
    struct Spare;

    boost::asio::awaitable<void> keep(std::shared_ptr<Spare> spare);
    boost::asio::awaitable<void> wait_until_taken(std::shared_ptr<Spare> spare);

    Starter start_;
    Patience patience_;
    std::shared_ptr<Spare> spare_; // shared with the task that keeps it, and with who waits for its start
    AsyncEvent changed_;
    TaskGroup tasks_;
};

} // namespace hearth::runtime
