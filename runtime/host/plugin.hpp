#pragma once

#include "plugins/abi/hearth_backend.h"

#include <filesystem>
#include <string>

namespace hearth::runtime {

/// The backend plugin of this process: opened, checked, initialised; never unloaded (the ABI promises that).
class Plugin {
  public:
    /// Opens the library. Runs the plugin's constructors: the sandbox must be up.
    /// @throws Error  backend_failed
    explicit Plugin(const std::filesystem::path& library);
    Plugin(const Plugin&) = delete;

    /// [ctl] @param scratch  must outlive the plugin. @param config  JSON, may be empty. @throws Error  backend_failed
    void init(const std::filesystem::path& scratch, const std::string& config);

    const hearth_backend& table() const noexcept { return *table_; }
    /// {"plugin": {"name", "version", "abi"}}: what the hello adds.
    std::string hello() const;

  private:
    const hearth_backend* table_ = nullptr;
    hearth_host host_{};
};

/// @param sha256_hex  what the manifest says. @throws Error  backend_failed when the file is another one
void check_library(const std::filesystem::path& library, const std::string& sha256_hex);

} // namespace hearth::runtime
