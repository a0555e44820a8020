#pragma once

#include "registry/fetch/url.hpp"

#include <string>

namespace hearth::registry::fetch {

/// The proxy that the environment names for this URL (https_proxy, http_proxy, all_proxy, no_proxy, in the
/// meaning curl gives them), or empty. Never one for a loopback host. Decided here rather than by curl,
/// because the address check must know whether a connection goes to the host or to a proxy.
std::string proxy_for(const Url& url);

} // namespace hearth::registry::fetch
