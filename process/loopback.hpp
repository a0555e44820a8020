#pragma once

#include "base/unique_fd.hpp"

namespace hearth::process {

/// A TCP socket that listens on a free port of 127.0.0.1, close-on-exec. No other address can be asked for.
/// @throws Error  address_taken: every port is taken; internal
UniqueFd listen_on_loopback();

} // namespace hearth::process
