#include "runtime/memory/speed_record.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "runtime/memory/probe.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace hearth::runtime::memory {

namespace {

constexpr int record_format = 1;
constexpr std::uint64_t most_bytes = 1u << 20;

SpeedRecord from_json(const Json& json) {
    SpeedRecord record;
    record.key.cpu = require_string(json, "cpu");
    record.key.cores = static_cast<int>(get_integer(json, "cores").value_or(1));
    record.key.engines = require_string(json, "engines");
    record.measured_at = get_string(json, "measured_at").value_or("");
    record.speeds = parse_speeds(Json{{"devices", json.value("devices", Json::object())}});
    return record;
}

} // namespace

std::optional<SpeedRecord> read_speeds(const std::filesystem::path& file, const SpeedKey& key) {
    std::error_code failed;
    if (!std::filesystem::exists(file, failed)) {
        return std::nullopt;
    }
    try {
        const Json json = parse_json(read_file(file, most_bytes), file.filename().string());
        if (!json.is_object() || get_integer(json, "format") != record_format) {
            return std::nullopt;
        }
        SpeedRecord record = from_json(json);
        return record.key == key && !record.speeds.empty() ? std::optional(std::move(record)) : std::nullopt;
    } catch (const Error& error) { // it is measured again
        log::warning("runtime", fmt::format("{}: {}", file.string(), error.what()));
        return std::nullopt;
    }
}

void write_speeds(const std::filesystem::path& file, const SpeedRecord& record) {
    Json devices = Json::object();
    for (const auto& [id, speed] : record.speeds) {
        devices[id] = {{"bandwidth", speed.bandwidth}, {"throughput", speed.throughput}};
    }
    const Json json = {{"format", record_format},           {"cpu", record.key.cpu},
                       {"cores", record.key.cores},         {"engines", record.key.engines},
                       {"measured_at", record.measured_at}, {"devices", std::move(devices)}};
    write_file_atomically(file, to_text(json) + "\n");
}

} // namespace hearth::runtime::memory
