#pragma once

#include "registry/measurements.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The table of measurements as functions. All run on the database's thread.
namespace hearth::registry {

class Connection;

void put_load(Connection& connection, const LoadMeasurement& load);
void put_run(Connection& connection, const RunMeasurement& run);
std::optional<Measurement> find_measurement(Connection& connection, const MeasurementKey& key);
std::vector<Measurement> list_measurements(Connection& connection, const std::string& files,
                                           const std::string& engine);
std::optional<std::uint64_t> median_fixed_bytes(Connection& connection, const std::string& engine);

} // namespace hearth::registry
