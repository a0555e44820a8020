#include "runtime/memory/machine_source.hpp"

#include "base/async/timeout.hpp"
#include "base/error.hpp"
#include "base/log.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <tuple>
#include <utility>

namespace hearth::runtime::memory {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto accelerator_age = 2s; // other programs take and free its memory
constexpr auto host_only_age = 10min;
constexpr auto quiet_time = 15s;

std::string engines_of(const std::vector<PluginManifest>& plugins) {
    std::string text;
    for (const PluginManifest& plugin : plugins) {
        text += fmt::format("{}{} {} {}", text.empty() ? "" : ", ", plugin.name, plugin.version,
                            plugin.sha256.substr(0, 12));
    }
    return text;
}

/// Sets a flag as long as it lives, and tells the waiters when it goes.
class Marked {
  public:
    Marked(bool& flag, AsyncEvent& changed) : flag_(flag), changed_(changed) { flag_ = true; }
    ~Marked() {
        flag_ = false;
        changed_.notify_all();
    }
    Marked(const Marked&) = delete;

  private:
    bool& flag_;
    AsyncEvent& changed_;
};

} // namespace

MachineSource::MachineSource(asio::any_io_executor executor, const Config& config,
                             std::vector<PluginManifest> plugins, BlockingPool& pool,
                             MachineSourceSeams seams)
    : config_(config), plugins_(std::move(plugins)), pool_(pool), seams_(std::move(seams)),
      changed_(executor), tasks_(executor) {}

asio::awaitable<Machine> MachineSource::machine() {
    MachineReport result = co_await report();
    co_return std::move(result.machine);
}

asio::awaitable<MachineReport> MachineSource::report() {
    co_await read_facts();
    co_await refresh_devices();
    auto read = [root = seams_.root] { return read_host_memory(root); };
    MachineReport result;
    result.memory = co_await run_blocking(pool_, std::move(read));
    if (config_.ram_limit_bytes) {
        add_ram_limit(result.memory, *config_.ram_limit_bytes, seams_.held());
    }
    result.seen = devices_->devices;
    result.warnings = devices_->warnings;
    const Margins margins{.host_bytes = config_.margin_bytes, .gpu_bytes = config_.gpu_margin_bytes};
    result.machine = make_machine(result.memory, *facts_, devices_->devices, margins,
                                  record_ ? record_->speeds : Speeds());
    if (!record_ && !measuring_ && !waiting_for_quiet_ && !gave_up_) {
        tasks_.spawn("measure the machine", measure_when_quiet());
    }
    result.measured_at = record_ ? record_->measured_at : "";
    result.measuring = measuring_ || waiting_for_quiet_;
    co_return result;
}

asio::awaitable<void> MachineSource::read_facts() {
    if (facts_) {
        co_return;
    }
    auto read = [root = seams_.root, file = seams_.record, engines = engines_of(plugins_)] {
        const HostFacts facts{
            .model = cpu_model(root), .cores = count_cores(root), .display = has_display(root)};
        SpeedKey key{.cpu = facts.model, .cores = facts.cores, .engines = engines};
        auto record = read_speeds(file, key);
        return std::tuple(facts, std::move(key), std::move(record));
    };
    auto [facts, key, record] = co_await run_blocking(pool_, std::move(read));
    if (!facts_) { // two may have waited for the pool
        facts_ = std::move(facts);
        key_ = std::move(key);
        record_ = std::move(record);
    }
}

bool MachineSource::is_accelerated() const {
    return devices_ && std::ranges::any_of(devices_->devices, [](const BackendDevice& device) {
               return device.kind != DeviceKind::cpu;
           });
}

void MachineSource::note_memory_moved() {
    if (is_accelerated()) {
        devices_at_ = seams_.clock->steady_now() - accelerator_age;
    }
}

void MachineSource::replace_plugin(const PluginManifest& plugin) {
    const auto found = std::ranges::find(plugins_, plugin.name, &PluginManifest::name);
    if (found != plugins_.end()) {
        *found = plugin;
        devices_at_ = seams_.clock->steady_now() - host_only_age; // asked again when they are wanted next
    }
}

bool MachineSource::devices_are_fresh() const {
    if (!devices_) {
        return false;
    }
    const Steady::duration limit = is_accelerated() ? Steady::duration(accelerator_age) : host_only_age;
    return seams_.clock->steady_now() - devices_at_ < limit;
}

asio::awaitable<void> MachineSource::refresh_devices() {
    while (!devices_are_fresh()) {
        if (asking_) {
            co_await changed_.wait();
            continue;
        }
        const Marked mark(asking_, changed_);
        ProbeResult result = co_await probe_devices(plugins_, seams_.start_runner);
        for (const std::string& warning : result.warnings) {
            log::warning("runtime", warning);
        }
        devices_ = std::move(result);
        devices_at_ = seams_.clock->steady_now();
    }
}

asio::awaitable<void> MachineSource::measure_when_quiet() {
    const Marked mark(waiting_for_quiet_, changed_);
    do {
        co_await seams_.sleep(quiet_time);
    } while (seams_.busy());
    if (!record_ && !measuring_) {
        gave_up_ = true; // until it has worked
        co_await measure_now();
    }
}

asio::awaitable<void> MachineSource::measure() {
    co_await read_facts();
    if (!measuring_) {
        co_await measure_now();
        co_return;
    }
    while (measuring_) {
        co_await changed_.wait();
    }
    if (!record_) {
        throw Error(ErrorCode::backend_failed, "the machine could not be measured",
                    "the service's log says why");
    }
}

asio::awaitable<void> MachineSource::measure_now() {
    const Marked mark(measuring_, changed_);
    SpeedResult result = co_await measure_speeds(plugins_, seams_.start_runner, facts_->cores);
    if (result.speeds.empty()) {
        throw Error(ErrorCode::backend_failed, result.warnings.empty() ? "no backend can measure this machine"
                                                                       : result.warnings.front());
    }
    SpeedRecord record{
        .key = key_, .speeds = std::move(result.speeds), .measured_at = to_rfc3339(seams_.clock->now())};
    auto write = [file = seams_.record, record] { write_speeds(file, record); };
    record_ = std::move(record);
    gave_up_ = false;
    co_await run_blocking(pool_, std::move(write));
}

asio::awaitable<void> MachineSource::stop() {
    tasks_.cancel();
    co_await tasks_.join();
}

MachineSourceSeams system_machine_seams(asio::any_io_executor executor,
                                        const std::filesystem::path& data_dir) {
    MachineSourceSeams seams;
    seams.start_runner = [executor](PluginManifest plugin) {
        return start_runner(executor, std::move(plugin));
    };
    seams.record = data_dir / "speed.json";
    seams.sleep = [](std::chrono::steady_clock::duration time) { return sleep_for(time); };
    return seams;
}

} // namespace hearth::runtime::memory
