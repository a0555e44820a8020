#pragma once

#include "runtime/runner/plugin_manifest.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace hearth::runtime {

/// A variant of an engine that crashed or computed wrong on this machine.
struct SetAside {
    std::string variant; ///< its name; empty: it did not live long enough to tell
    std::string why;     ///< one clause
    std::string at;      ///< RFC 3339

    bool operator==(const SetAside&) const = default;
};

/// Which variants of the backends' engines were set aside here, kept in a file. What is known holds for one processor and for the
/// very files of a backend: another processor, or a backend that was installed again, is tried anew. Not thread-safe; reading
/// and writing block.
class VariantRecord {
  public:
    /// A file that is absent or cannot be read is an empty record.
    /// @param root  holds proc/
    explicit VariantRecord(std::filesystem::path file, const std::filesystem::path& root = "/");

    /// Best first.
    const std::vector<SetAside>& set_aside(const PluginManifest& plugin) const;
    /// Replaces what is known of a backend. @throws Error  disk_full, store_failed: it holds until the service ends
    void keep(const PluginManifest& plugin, std::vector<SetAside> variants);

  private:
    void read();
    void write() const;

    std::filesystem::path file_;
    std::string processor_;
    std::map<std::string, std::vector<SetAside>> rows_; ///< by what a backend's files look like
};

} // namespace hearth::runtime
