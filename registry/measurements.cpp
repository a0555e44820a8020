#include "registry/measurements.hpp"

#include "registry/db/database.hpp"
#include "registry/db/measurement_rows.hpp"

#include <utility>

namespace hearth::registry {

namespace asio = boost::asio;

asio::awaitable<void> Measurements::record_load(LoadMeasurement load) {
    auto work = [load = std::move(load)](Connection& connection) { put_load(connection, load); };
    co_await database_.run(std::move(work));
}

asio::awaitable<void> Measurements::record_run(RunMeasurement run) {
    auto work = [run = std::move(run)](Connection& connection) { put_run(connection, run); };
    co_await database_.run(std::move(work));
}

asio::awaitable<std::optional<Measurement>> Measurements::find(MeasurementKey key) {
    auto work = [key = std::move(key)](Connection& connection) { return find_measurement(connection, key); };
    co_return co_await database_.run(std::move(work));
}

asio::awaitable<std::vector<Measurement>> Measurements::of_model(std::string files, std::string engine) {
    auto work = [files = std::move(files), engine = std::move(engine)](Connection& connection) {
        return list_measurements(connection, files, engine);
    };
    co_return co_await database_.run(std::move(work));
}

asio::awaitable<std::optional<std::uint64_t>> Measurements::fixed_bytes(std::string engine) {
    auto work = [engine = std::move(engine)](Connection& connection) {
        return median_fixed_bytes(connection, engine);
    };
    co_return co_await database_.run(std::move(work));
}

} // namespace hearth::registry
