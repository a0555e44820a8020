#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace hearth::registry {

/// The one spelling of a host with an optional port: lower case, IPv6 compressed. Only plain dotted numbers
/// are an IPv4 address: `0x7f.1`, `127.1` and `2130706433` are refused.
/// @return  or what is wrong, for a person
std::expected<std::string, std::string> canonical_host(std::string_view text);

/// True for localhost, *.localhost, 127.0.0.0/8 and [::1], with or without a port: the only hosts that plain
/// http may reach.
bool is_loopback_host(std::string_view host);

} // namespace hearth::registry
