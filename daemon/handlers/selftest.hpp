#pragma once

#include "daemon/handlers/services.hpp"
#include "daemon/http/router.hpp"

namespace hearth::daemon {

void add_selftest_routes(http::Router& router, Services& services); ///< selftest

} // namespace hearth::daemon
