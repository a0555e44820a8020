#pragma once

#include "base/json.hpp"
#include "plugins/abi/hearth_measure.h"

#include <string>

namespace hearth::runtime {

/// How fast this machine is: what all threads read from memory, and what the backend's extension says of its
/// devices, where it has one. [ctl], some seconds.
/// @param head  {"threads": n, "milliseconds": of the extension}
/// @return {"bandwidth": bytes per second, "devices": {…}}
/// @throws Error  what the plugin reported
std::string measure(const hearth_backend& backend, const Json& head);

} // namespace hearth::runtime
