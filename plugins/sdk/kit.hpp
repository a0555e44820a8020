#pragma once

#include "plugins/sdk/files.hpp"
#include "plugins/sdk/manifest.hpp"
#include "plugins/sdk/plugin.hpp"
#include "plugins/sdk/report.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace hearth::sdk {

/// The conformance kit for one plugin: what `plugins/abi/hearth_backend.h` promises, tried in order. Runs in
/// one thread, but for the requests that it sends at once.
class Kit {
  public:
    Kit(Report& report, std::filesystem::path library, std::vector<std::filesystem::path> model)
        : report_(report), library_(std::move(library)), model_files_(std::move(model)) {}

    /// Every check; what builds on a failed one is left out.
    void run();
    /// The checks that look at files alone: no code of the plugin runs. @return whether there is a manifest
    bool check_files();

  private:
    // kit_table.cpp: the manifest, the library and the calls before a model
    bool check_library();
    bool check_table();
    void check_describing();
    void check_quantize_extension();

    // kit_load.cpp
    void check_bad_loads();
    void check_estimate_and_cancel();
    bool load(const std::string& name);
    void check_model_info();
    void unload(const std::string& name);

    // kit_requests.cpp
    void check_operations();
    void check_bad_requests();
    void check_cancelling(const std::string& operation);
    void check_many_at_once(const std::string& operation);

    bool needs_files() const { return !manifest_.formats.empty(); }
    bool offers(const std::string& operation) const;

    Report& report_;
    std::filesystem::path library_;
    std::vector<std::filesystem::path> model_files_;
    Manifest manifest_;
    std::unique_ptr<Plugin> plugin_;
    std::unique_ptr<OpenFiles> open_files_; ///< of the loaded model
    hearth_model* model_ = nullptr;
    std::vector<std::string> operations_; ///< of the loaded model
};

} // namespace hearth::sdk
