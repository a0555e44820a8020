#pragma once

#include "plugins/abi/hearth_backend.h"
#include "plugins/abi/hearth_quantize.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::sdk {

using Json = nlohmann::json;

/// What a call answered.
struct Outcome {
    hearth_status status = HEARTH_OK;
    std::string message;
    std::vector<std::string> events;

    /// @throws Violation unless the status is HEARTH_OK
    const Outcome& must_be_ok() const;
    /// @throws Violation unless the status is `expected` and the message says something
    const Outcome& must_be(hearth_status expected) const;
    /// The only event, parsed. @throws Violation
    Json single() const;
    /// Every event, parsed. @throws Violation
    std::vector<Json> all() const;
};

const char* status_name(hearth_status status);

/// One library, loaded into this process, and its table.
class Plugin {
  public:
    /// @throws Violation when the library cannot be loaded or has no hearth_backend_get
    explicit Plugin(const std::filesystem::path& library);
    ~Plugin();
    Plugin(const Plugin&) = delete;

    const hearth_backend* get(uint32_t host_abi_version) const { return entry_(host_abi_version); }
    const hearth_backend& table() const { return *table_; }
    void set_table(const hearth_backend* table) { table_ = table; }

    Outcome init(std::string_view config);
    Outcome describe() const;
    Outcome devices() const;
    Outcome quantize_types(const hearth_quantize& table) const;
    Outcome estimate(std::string_view spec, const std::vector<hearth_file>& files) const;
    using Progress = std::function<bool(const std::string& stage, float fraction)>; ///< false: cancel
    Outcome load(std::string_view spec, const std::vector<hearth_file>& files, const Progress& progress,
                 hearth_model*& model) const;
    Outcome info(hearth_model* model) const;
    Outcome create(hearth_model* model, std::string_view operation, std::string_view body,
                   hearth_request*& request) const;
    /// @param on_event  called with the number of events so far; false: the sink asks to stop
    Outcome run(hearth_request* request, const std::function<bool(std::size_t)>& on_event) const;
    /// create, run, free.
    Outcome ask(hearth_model* model, std::string_view operation, const Json& body) const;

  private:
    hearth_backend_get_fn entry_ = nullptr;
    const hearth_backend* table_ = nullptr;
    std::string scratch_;
    hearth_host host_ = {};
};

} // namespace hearth::sdk
