#pragma once

#include "base/json.hpp"
#include "runtime/memory/machine.hpp"
#include "runtime/runner/ask_once.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <vector>

/// Asks the backends which devices they see, and how fast those are: each in a short-lived runner, so that no
/// driver is ever opened in the service and a context on a GPU goes with its process. On the io executor.
namespace hearth::runtime::memory {

struct ProbeResult {
    std::vector<BackendDevice> devices;
    std::vector<std::string> warnings; ///< a backend that did not answer, and why
};

/// Every backend in turn, at most five seconds each. Never throws for a backend's sake.
boost::asio::awaitable<ProbeResult> probe_devices(std::vector<PluginManifest> plugins, RunnerStarter start);

struct SpeedResult {
    Speeds speeds; ///< empty: nothing could be measured
    std::vector<std::string> warnings;
};

/// Measures with every backend that runs models, or with any when there is none of those: memory bandwidth with
/// `threads` threads and the product rates of each device. Under three seconds when one backend is there.
boost::asio::awaitable<SpeedResult> measure_speeds(std::vector<PluginManifest> plugins, RunnerStarter start,
                                                   int threads);

/// The devices in a backend's answer to "devices"; rows that make no sense are left out.
std::vector<BackendDevice> parse_devices(const Json& answer, const std::string& backend);
/// The answer to "measure". A device whose reads were not timed has the rate of its fastest type for bandwidth.
Speeds parse_speeds(const Json& answer);

} // namespace hearth::runtime::memory
