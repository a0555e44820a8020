#pragma once

#include "runtime/scheduler/scheduler.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hearth::runtime {

/// One model on one runner, from the decision to load it until its process is reaped. Belongs to the
/// scheduler's table; leases share it, because they may outlive the runner they were given. On the io
/// executor.
struct LoadedRunner {
    enum class State {
        waiting, ///< it is planned, or its memory is not reserved yet
        loading,
        ready,
        stopping,
        gone
    };
    using Steady = std::chrono::steady_clock::time_point;

    std::string key;                ///< files and backend
    std::vector<std::string> names; ///< every name it was asked for by; the last one asked for is last
    std::optional<registry::Model> model;
    PluginManifest plugin;
    LoadSpec spec;
    LoadOptions asked;   ///< by the request that it is loaded for
    LoadOptions options; ///< explicit wishes; what an earlier load had is one of them
    std::optional<LoadPlan> plan;
    std::uint64_t need_bytes = 0; ///< of RAM, as planned
    bool admitted = false;        ///< its memory is reserved
    bool planning = false;        ///< somebody finds out what it needs

    State state = State::waiting;
    std::unique_ptr<Runner> runner; ///< set while loading, kept until the last lease is gone
    Json info = Json::object();
    std::string stop_reason; ///< set: it is to end, also while loading
    bool lost = false;       ///< its process ended unasked

    int leases = 0;
    std::map<std::string, int> users; ///< the leases by app
    std::uint64_t free_before = 0;    ///< what the system could give when it was told to end

    std::string stage; ///< of the load, with `fraction`: for those who join late
    double fraction = 0;

    std::chrono::nanoseconds keep_alive{};
    Steady load_started{};
    std::optional<WallTime> expires_at; ///< when idle and not kept for ever

    const std::string& name() const { return names.back(); }
    bool has_name(const std::string& name) const;
    void add_name(const std::string& name);
    bool busy() const noexcept { return leases > 0; }
    bool usable() const { return state == State::ready && runner && runner->alive(); }
    /// Tokens per sequence it was asked for or has, whichever is more: an explicit wish up to this needs no
    /// reload.
    std::int64_t largest_context() const;
    std::int64_t context_tokens() const;
    int most_sequences() const; ///< requests at once, as planned or as wished
    bool is_loaded_by(memory::LoadMode mode) const;
    memory::CacheType kv_type() const; ///< as planned, else as wished
    /// What the backend reported, else what was reserved.
    std::uint64_t held_bytes() const;
    /// What others must leave alone, by device: what was planned, or held where that is more or nobody planned. It does
    /// not fall to what the backend reports after the load: that is its buffers alone, without the process, the scores that
    /// are handed out and the copies of a state that come with long conversations.
    DeviceBytes reserved() const;
    DeviceBytes planned() const; ///< what its load needs
    std::uint64_t vram_bytes() const;
    /// RAM that the system calls available again when it ends, as far as the backend reported: not the pages of files,
    /// which it calls so all along.
    std::uint64_t private_bytes() const;
    /// Starts keep-alive from now.
    void set_idle(const Clock& clock);
    LoadedModel row() const;
};

} // namespace hearth::runtime
