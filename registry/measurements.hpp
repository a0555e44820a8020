#pragma once

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The third layer of a plan (L3): what real loads and runs took, kept across restarts.
namespace hearth::registry {

class Database;

/// What a measurement is about. Equal only when all of it is: another engine build, or one more sequence,
/// allocates otherwise.
struct MeasurementKey {
    std::string files;    ///< Model::files_key
    std::string engine;   ///< backend and version: "llama 1.0 (llama.cpp 0.5.0)"
    std::string settings; ///< canonical JSON text: runtime's settings_text
};

/// A load that ended well.
struct LoadMeasurement {
    MeasurementKey key;
    std::string predicted;         ///< JSON of the plan; empty when nobody planned
    std::string measured;          ///< JSON: the backend's report
    std::uint64_t fixed_bytes = 0; ///< resident memory of the runner after the load beside what was reported
    double load_seconds = 0;
};

/// A run that ended well. Not worth recording below some tokens: the caller judges.
struct RunMeasurement {
    MeasurementKey key;
    double tokens_per_second = 0;        ///< of generation, one sequence; 0: unknown
    double prompt_tokens_per_second = 0; ///< 0: unknown
};

/// What is known of one key.
struct Measurement {
    MeasurementKey key;
    std::string predicted;
    std::string measured;
    std::uint64_t fixed_bytes = 0;
    double load_seconds = 0;             ///< smoothed
    double tokens_per_second = 0;        ///< smoothed; 0: no run yet
    double prompt_tokens_per_second = 0; ///< smoothed; 0: no run yet
    std::int64_t loads = 0;
    std::int64_t runs = 0;
};

/// Measurements in the index, on the database's thread. Speeds are exponentially weighted means: the newest value
/// has a weight of 0.3, the first one counts whole. Bytes are the newest. Owned by the daemon.
class Measurements {
  public:
    explicit Measurements(Database& database) : database_(database) {}

    /// Keeps at most the newest few thousand keys. @throws Error  store_failed, disk_full
    boost::asio::awaitable<void> record_load(LoadMeasurement load);
    /// Ignored when no load of that key is recorded.
    boost::asio::awaitable<void> record_run(RunMeasurement run);

    boost::asio::awaitable<std::optional<Measurement>> find(MeasurementKey key);
    /// All settings that a model was loaded with by that engine, newest first.
    boost::asio::awaitable<std::vector<Measurement>> of_model(std::string files, std::string engine);
    /// What a runner of that engine takes beside its buffers: the median of the newest loads. nullopt: none yet.
    boost::asio::awaitable<std::optional<std::uint64_t>> fixed_bytes(std::string engine);

  private:
    Database& database_;
};

} // namespace hearth::registry
