#pragma once

#include "base/json.hpp"
#include "runtime/runner/plugin_manifest.hpp"
#include "runtime/runner/runner.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace hearth::runtime {

/// Starts a runner for a plugin; the real one is `start_runner`.
using RunnerStarter = std::function<boost::asio::awaitable<std::unique_ptr<Runner>>(PluginManifest)>;

/// Asks a backend one thing in a process that lives no longer: what its driver takes, breaks or leaks goes with
/// it. Returns when the process has ended.
/// @param head   as Runner::ask
/// @param limit  for start and answer together
/// @throws Error  timeout, backend_failed, runner_lost, or what the backend reported
boost::asio::awaitable<Json> ask_once(RunnerStarter start, PluginManifest plugin, std::string head,
                                      std::chrono::steady_clock::duration limit);

} // namespace hearth::runtime
