#include "registry/db/measurement_rows.hpp"

#include "registry/db/connection.hpp"

#include <algorithm>
#include <chrono>

namespace hearth::registry {

namespace {

constexpr std::int64_t kept_rows = 4096;
constexpr std::int64_t median_of = 31; // newest loads

std::int64_t now_nanoseconds() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

void bind_key(Statement& statement, const MeasurementKey& key) {
    statement.bind(key.files).bind(key.engine).bind(key.settings);
}

constexpr const char* select_rows =
    "SELECT files, engine, settings, predicted, measured, fixed_bytes, load_seconds, tokens_per_second, "
    "prompt_tokens_per_second, loads, runs FROM measurements ";

Measurement read_row(const Statement& row) {
    Measurement found;
    found.key = {row.text(0), row.text(1), row.text(2)};
    found.predicted = row.text(3);
    found.measured = row.text(4);
    found.fixed_bytes = static_cast<std::uint64_t>(row.integer(5));
    found.load_seconds = row.real(6);
    found.tokens_per_second = row.real(7);
    found.prompt_tokens_per_second = row.real(8);
    found.loads = row.integer(9);
    found.runs = row.integer(10);
    return found;
}

void forget_oldest(Connection& connection) {
    Statement statement =
        connection.prepare("DELETE FROM measurements WHERE rowid IN (SELECT rowid FROM measurements "
                           "ORDER BY updated_at DESC LIMIT -1 OFFSET ?)");
    statement.bind(kept_rows).run();
}

} // namespace

void put_load(Connection& connection, const LoadMeasurement& load) {
    Transaction transaction(connection);
    Statement statement = connection.prepare(
        "INSERT INTO measurements VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 1, 0, ?8) "
        "ON CONFLICT (files, engine, settings) DO UPDATE SET predicted = excluded.predicted, "
        "measured = excluded.measured, fixed_bytes = excluded.fixed_bytes, "
        "load_seconds = 0.7 * load_seconds + 0.3 * excluded.load_seconds, loads = loads + 1, "
        "updated_at = excluded.updated_at");
    bind_key(statement, load.key);
    statement.bind(load.predicted).bind(load.measured).bind(load.fixed_bytes).bind(load.load_seconds);
    statement.bind(now_nanoseconds()).run();
    forget_oldest(connection);
    transaction.commit();
}

void put_run(Connection& connection, const RunMeasurement& run) {
    Transaction transaction(connection);
    Statement statement = connection.prepare(
        "UPDATE measurements SET "
        "tokens_per_second = CASE WHEN ?4 <= 0 THEN tokens_per_second WHEN tokens_per_second = 0 THEN ?4 "
        "ELSE 0.7 * tokens_per_second + 0.3 * ?4 END, "
        "prompt_tokens_per_second = CASE WHEN ?5 <= 0 THEN prompt_tokens_per_second "
        "WHEN prompt_tokens_per_second = 0 THEN ?5 ELSE 0.7 * prompt_tokens_per_second + 0.3 * ?5 END, "
        "runs = runs + 1 WHERE files = ?1 AND engine = ?2 AND settings = ?3");
    bind_key(statement, run.key);
    statement.bind(run.tokens_per_second).bind(run.prompt_tokens_per_second).run();
    transaction.commit();
}

std::optional<Measurement> find_measurement(Connection& connection, const MeasurementKey& key) {
    Statement query =
        connection.prepare(std::string(select_rows) + "WHERE files = ?1 AND engine = ?2 AND settings = ?3");
    bind_key(query, key);
    if (!query.step()) {
        return std::nullopt;
    }
    return read_row(query);
}

std::vector<Measurement> list_measurements(Connection& connection, const std::string& files,
                                           const std::string& engine) {
    Statement query = connection.prepare(
        std::string(select_rows) + "WHERE files = ?1 AND engine = ?2 ORDER BY updated_at DESC, rowid DESC");
    query.bind(files).bind(engine);
    std::vector<Measurement> found;
    while (query.step()) {
        found.push_back(read_row(query));
    }
    return found;
}

std::optional<std::uint64_t> median_fixed_bytes(Connection& connection, const std::string& engine) {
    Statement query = connection.prepare(
        "SELECT fixed_bytes FROM measurements WHERE engine = ?1 ORDER BY updated_at DESC LIMIT ?2");
    query.bind(engine).bind(median_of);
    std::vector<std::int64_t> newest;
    while (query.step()) {
        newest.push_back(query.integer(0));
    }
    if (newest.empty()) {
        return std::nullopt;
    }
    const auto middle = newest.begin() + static_cast<std::ptrdiff_t>(newest.size() / 2);
    std::ranges::nth_element(newest, middle);
    return static_cast<std::uint64_t>(*middle);
}

} // namespace hearth::registry
