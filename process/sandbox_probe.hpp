#pragma once

#include "process/sandbox.hpp"

namespace hearth::process {

/// Tries what the profile forbids, with arguments that do no harm if it were allowed (descriptor -1, null
/// pointers).
/// @throws Error  internal, naming the first call that was not refused with EPERM
void probe_sandbox(SandboxProfile profile);

} // namespace hearth::process
