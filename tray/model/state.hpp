#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::tray {

/// What is known of the service.
enum class ServicePhase {
    unknown,     ///< nobody looked yet
    not_running, ///< nobody listens
    asleep,      ///< the system listens in its place: the first request starts it
    starting,    ///< it runs and does not answer yet
    connected,   ///< its events are read
};

/// "not running", "asleep", … for people and for JSON.
std::string_view phase_name(ServicePhase phase) noexcept;

/// A row of /api/ps.
struct LoadedModel {
    std::string name;
    std::string state; ///< "waiting", "loading", "ready", "stopping"
    std::string backend;
    std::uint64_t size_bytes = 0;
    std::vector<std::pair<std::string, std::uint64_t>> devices; ///< bytes by device

    friend bool operator==(const LoadedModel&, const LoadedModel&) = default;
};

/// A row of /api/tags.
struct StoredModel {
    std::string name;
    std::uint64_t size_bytes = 0;

    friend bool operator==(const StoredModel&, const StoredModel&) = default;
};

/// A download that runs, by what its events say.
struct Pull {
    struct Part {
        std::uint64_t completed_bytes = 0;
        std::uint64_t total_bytes = 0;
    };

    std::string model;
    std::map<std::string, Part> parts; ///< by digest, or by status where the digest is not known yet

    std::uint64_t completed_bytes() const noexcept;
    std::uint64_t total_bytes() const noexcept;
    /// 0 … 100; absent while no size is known.
    std::optional<int> percent() const noexcept;
};

/// What was asked for, short enough for a line: of an address, its file.
std::string shown_name(const std::string& asked);

/// What of this machine the menu depends on, looked at by the caller: the state itself touches nothing.
struct LocalFacts {
    bool log_exists = false;
    bool starts_at_login = false;
    bool service_can_be_started = true; ///< false where HEARTH_SOCKET names a place of its own

    friend bool operator==(const LocalFacts&, const LocalFacts&) = default;
};

/// All that the tray shows: a plain value, changed by `reduce` alone.
struct State {
    ServicePhase phase = ServicePhase::unknown;
    std::string note;             ///< why the service is not reached; may be empty
    std::string service_version;  ///< of the service that is connected
    std::set<std::string> routes; ///< "POST /hearth/v1/load": what this service serves
    std::vector<LoadedModel> loaded;
    std::vector<StoredModel> stored;
    std::map<std::string, Pull> pulls;           ///< by the name that was asked for
    std::map<std::string, std::string> defaults; ///< app ("" is all apps) → model
    std::set<std::string> apps;                  ///< by name of token, or path of program
    std::string low_memory;                      ///< what the service said of it last; empty: nothing
    LocalFacts local;

    /// Whether the service that is connected has an endpoint.
    bool serves(const std::string& route) const { return routes.contains(route); }
    /// Bytes of all models that are loaded.
    std::uint64_t loaded_bytes() const noexcept;
    /// Models that answer now.
    std::size_t ready_models() const noexcept;
};

} // namespace hearth::tray
