#pragma once

#include "plugins/abi/hearth_backend.h"
#include "plugins/sdk/border.hpp"

#include <nlohmann/json.hpp>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace hearth::echo {

using Json = nlohmann::json;

using sdk::Failure;

/// JSON text that must be an object. @throws Failure HEARTH_E_INVALID
Json parse_object(hearth_str text, const char* what);

std::vector<std::string> operation_names();

/// Options that drive tests of dry runs: "echo_estimate_crash": true, "echo_estimate_hang": true, for ever.
void misbehave_in_estimate(const Json& options);

class Request;

/// A "loaded model": a name, a context length, and as many slots as `parallel` says. Thread-safe.
class Model {
  public:
    /// Ten ticks of progress. Load options that drive tests: "echo_load_delay_ms" per tick, "echo_load_fail":
    /// an ABI status, "echo_load_crash": true, "echo_memory_bytes": what `info` reports. @throws Failure
    Model(const hearth_load_spec& spec, const hearth_progress* progress);

    Json info() const;
    const std::string& alias() const noexcept { return alias_; }
    std::int64_t context_tokens() const noexcept { return context_tokens_; }
    /// Defaults for what requests may ask for ("echo_delay_ms", …).
    const Json& options() const noexcept { return options_; }

    /// Waits for a free slot. @return false when the request was cancelled meanwhile
    bool enter(Request& request);
    void leave();
    /// Wakes those who wait for a slot, to look at their cancel flags.
    void wake();

    /// Requests that were created and not freed; `unload` cancels them and waits.
    void add(Request& request);
    void remove(Request& request);
    void cancel_all_and_wait();

  private:
    void read_files(const hearth_load_spec& spec);
    void tick(const hearth_progress* progress) const;

    std::string alias_;
    std::int64_t context_tokens_ = 4096;
    int parallel_ = 1;
    std::uint64_t file_bytes_ = 0;
    std::uint32_t file_count_ = 0;
    Json options_ = Json::object();

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    int running_ = 0;                // guarded by mutex_
    std::vector<Request*> requests_; // guarded by mutex_
};

} // namespace hearth::echo
