#include "daemon/planning/history.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "runtime/memory/backend_report.hpp"
#include "runtime/memory/resident.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::daemon {

namespace asio = boost::asio;
namespace memory = runtime::memory;

namespace {

constexpr std::int64_t telling_tokens = 16; // fewer are mostly the first token's noise

std::string engine_of(const runtime::PluginManifest& plugin) {
    return plugin.name + " " + plugin.version;
}

std::vector<std::string> ids_of(const memory::Machine& machine) {
    std::vector<std::string> ids;
    std::ranges::transform(machine.accelerators, std::back_inserter(ids), &memory::Device::id);
    return ids;
}

std::string settings_of(const memory::Choice& choice, const memory::Machine& machine) {
    runtime::LoadSpec spec;
    runtime::apply_plan(spec, choice.options, choice.layers, ids_of(machine));
    spec.threads = choice.threads;
    return runtime::settings_text(spec);
}

double per_second(std::int64_t tokens, std::int64_t nanoseconds) {
    return tokens >= telling_tokens && nanoseconds > 0
               ? static_cast<double>(tokens) * 1e9 / static_cast<double>(nanoseconds)
               : 0;
}

/// The backend's report of that time; a broken row is no measurement.
std::optional<memory::Estimate> try_read(const registry::Measurement& measurement,
                                         const memory::Machine& machine) {
    try {
        return memory::read_backend_report(parse_json(measurement.measured, "a measurement"),
                                           ids_of(machine));
    } catch (const Error& error) {
        log::warning("daemon", std::string("a measurement is unreadable: ") + error.what());
        return std::nullopt;
    }
}

void correct(memory::Choice& choice, const registry::Measurement& measurement,
             const memory::Machine& machine) {
    std::optional<memory::Estimate> measured = try_read(measurement, machine);
    if (!measured) {
        return;
    }
    choice.memory = std::move(*measured);
    choice.source = "measured";
    if (measurement.tokens_per_second > 0) {
        choice.tokens_per_second = measurement.tokens_per_second;
    }
    choice.load_seconds = measurement.load_seconds;
}

} // namespace

void History::note_load(const runtime::LoadRecord& record) {
    registry::LoadMeasurement load;
    load.key = {record.model.files_key(), engine_of(record.plugin), runtime::settings_text(record.spec)};
    load.predicted = record.plan ? record.plan->choice_json : "";
    const Json info = Json::parse(record.info_json, nullptr, false);
    const auto report = info.is_object() ? info.find("memory") : info.end();
    if (!info.is_object() || report == info.end()) {
        return;
    }
    load.measured = to_text(*report);
    try {
        const memory::Estimate measured = memory::read_backend_report(*report);
        const auto resident = memory::resident_bytes(record.pid);
        load.fixed_bytes = resident && !measured.devices.empty()
                               ? memory::fixed_bytes(*resident, measured.devices.front())
                               : 0;
    } catch (const Error&) {
        return; // a backend that reports in other words is not measured
    }
    load.load_seconds = std::chrono::duration<double>(record.took).count();
    tasks_.spawn("record a load", measurements_.record_load(std::move(load)));
}

void History::note_run(const registry::Model& model, const runtime::RunnerLease& lease,
                       const AnswerMetrics& metrics) {
    registry::RunMeasurement run;
    run.tokens_per_second = per_second(metrics.answer_tokens, metrics.answer_nanoseconds);
    run.prompt_tokens_per_second = per_second(metrics.prompt_tokens, metrics.prompt_nanoseconds);
    if (run.tokens_per_second <= 0) {
        return;
    }
    run.key = {model.files_key(), engine_of(lease.plugin()), runtime::settings_text(lease.spec())};
    tasks_.spawn("record a run", measurements_.record_run(std::move(run)));
}

asio::awaitable<void> History::apply(memory::Plan& plan, const registry::Model& model,
                                     const runtime::PluginManifest& plugin, const memory::Machine& machine) {
    std::string files = model.files_key();
    const std::vector<registry::Measurement> known =
        co_await measurements_.of_model(std::move(files), engine_of(plugin));
    if (known.empty()) {
        co_return;
    }
    for (memory::Choice& choice : plan.choices) {
        const std::string settings = settings_of(choice, machine);
        const auto same = [&](const registry::Measurement& row) { return row.key.settings == settings; };
        if (const auto found = std::ranges::find_if(known, same); found != known.end()) {
            correct(choice, *found, machine);
        }
    }
}

asio::awaitable<void> History::apply_fixed(memory::Machine& machine, const runtime::PluginManifest& plugin) {
    const std::optional<std::uint64_t> measured = co_await measurements_.fixed_bytes(engine_of(plugin));
    if (measured) {
        machine.host.fixed_bytes = *measured;
    }
}

asio::awaitable<void> History::stop() {
    co_await tasks_.join();
}

} // namespace hearth::daemon
