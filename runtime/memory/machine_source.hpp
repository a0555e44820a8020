#pragma once

#include "base/async/blocking.hpp"
#include "base/async/event.hpp"
#include "base/async/task_group.hpp"
#include "base/config.hpp"
#include "base/time.hpp"
#include "runtime/memory/machine.hpp"
#include "runtime/memory/probe.hpp"
#include "runtime/memory/speed_record.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace hearth::runtime::memory {

/// The machine, and what it was made of: for `hearth devices`.
struct MachineReport {
    Machine machine;
    HostMemory memory;
    std::vector<BackendDevice> seen;   ///< as the backends reported it
    std::vector<std::string> warnings; ///< backends that did not answer
    std::string measured_at;           ///< RFC 3339; empty: speeds are assumed
    bool measuring = false;            ///< a measurement is under way or will be when the machine is quiet
};

/// What the source takes from the outside, replaced by tests. Every member is set.
struct MachineSourceSeams {
    RunnerStarter start_runner;
    std::filesystem::path root = "/";    ///< holds proc/ and sys/
    std::filesystem::path record;        ///< file that keeps what was measured
    std::function<std::uint64_t()> held; ///< bytes of RAM that our runners hold
    std::function<bool()> busy;          ///< a model is loading or answering: measure later
    const Clock* clock = &system_clock();
    std::function<boost::asio::awaitable<void>(std::chrono::steady_clock::duration)> sleep;
};

/// What memory and devices there are, now. Devices are asked for once and, when there is an accelerator, again
/// when the answer is two seconds old; the host's memory is read anew each time. Speeds come from a file in the
/// data folder; when it holds none for this CPU and these backends they are measured in the background, once the
/// machine was quiet for fifteen seconds, and usual values are taken meanwhile.
/// Owned by the daemon, on the io executor; files are read on the pool. `stop()` is awaited before destruction.
class MachineSource {
  public:
    MachineSource(boost::asio::any_io_executor executor, const Config& config,
                  std::vector<PluginManifest> plugins, BlockingPool& pool, MachineSourceSeams seams);
    MachineSource(const MachineSource&) = delete;

    boost::asio::awaitable<Machine> machine();
    boost::asio::awaitable<MachineReport> report();
    /// Measures now and stores the result; waits for a measurement that runs already.
    /// @throws Error  backend_failed when nothing could be measured
    boost::asio::awaitable<void> measure();
    /// A model came or went: what accelerators have free is asked again when it is wanted next.
    void note_memory_moved();
    /// Devices and speeds are asked of this one from now on, in place of the one of the same name.
    void replace_plugin(const PluginManifest& plugin);
    /// Ends what runs in the background.
    boost::asio::awaitable<void> stop();

  private:
    using Steady = std::chrono::steady_clock;

    boost::asio::awaitable<void> refresh_devices();
    bool devices_are_fresh() const;
    bool is_accelerated() const;
    boost::asio::awaitable<void> read_facts();
    boost::asio::awaitable<void> measure_when_quiet();
    boost::asio::awaitable<void> measure_now();

    const Config& config_;
    std::vector<PluginManifest> plugins_;
    BlockingPool& pool_;
    const MachineSourceSeams seams_;

    std::optional<HostFacts> facts_;
    SpeedKey key_;
    std::optional<SpeedRecord> record_;
    std::optional<ProbeResult> devices_;
    Steady::time_point devices_at_;
    bool asking_ = false;
    bool measuring_ = false;
    bool waiting_for_quiet_ = false;
    bool gave_up_ = false; ///< a measurement in the background failed; only `measure` tries again
    AsyncEvent changed_;
    TaskGroup tasks_;
};

/// The real seams but for `held` and `busy`. @param data_dir  where the record lies
MachineSourceSeams system_machine_seams(boost::asio::any_io_executor executor,
                                        const std::filesystem::path& data_dir);

} // namespace hearth::runtime::memory
