#pragma once

#include "base/error.hpp"
#include "plugins/abi/hearth_backend.h"

namespace hearth::runtime {

/// What the plugin was doing: a failed load without a better status is load_failed.
enum class PluginCall { load, other };

/// The one table from ABI status to ErrorCode. Never called with HEARTH_OK.
ErrorCode code_of_status(hearth_status status, PluginCall call) noexcept;

/// A fresh error for a call into the plugin.
hearth_error make_plugin_error() noexcept;

/// What the plugin reported, as an Error of ours.
Error to_error(hearth_status status, const hearth_error& error, PluginCall call);

} // namespace hearth::runtime
