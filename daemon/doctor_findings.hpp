#pragma once

#include "protocol/finding.hpp"
#include "registry/catalog.hpp"
#include "runtime/memory/machine_source.hpp"
#include "runtime/runner/plugin_manifest.hpp"

#include <filesystem>
#include <string>
#include <vector>

/// The service's part of `hearth doctor`: pure functions from what was looked at to a line with its fix.
namespace hearth::daemon {

using protocol::Finding;

/// Backends that can be used, and those that were left out: of an old ABI, writable by others, broken. Each of
/// those is a line of its own.
std::vector<Finding> backend_findings(const runtime::PluginScan& scan,
                                      const std::filesystem::path& plugin_dir);
/// Whether backends start and answer, and what they see.
Finding devices_finding(const runtime::memory::MachineReport& report);
Finding index_finding(const registry::Catalog::Health& health, const std::filesystem::path& index);
/// When the index cannot even be opened.
Finding unopened_index_finding(const std::string& why, const std::filesystem::path& index);

/// "http://user:secret@host:3128" without who logs in.
std::string without_login(const std::string& url);

} // namespace hearth::daemon
