#pragma once

#include "daemon/http/router.hpp"

#include <string>
#include <utility>
#include <vector>

namespace hearth::daemon::http {

/// What one door serves besides the API, to whom it lets in by Host and Origin alone: the files of a page, and how
/// the page gets its token. Filled at start, then only read.
struct Site {
    Router routes;                                            ///< asked before the API's; no token
    std::vector<std::pair<std::string, std::string>> headers; ///< of every answer of that door, the API's too
};

} // namespace hearth::daemon::http
