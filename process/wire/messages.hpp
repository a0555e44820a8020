#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>

/// The JSON heads that the wire itself defines: hello and error.
namespace hearth::process::wire {

/// @param extra  JSON object text merged into the hello, may be empty
std::string hello_head(std::string_view role, std::string_view extra);

/// @param peer  for the message. @throws Error protocol: not a hello, or another protocol number
void check_hello(std::string_view head, std::string_view peer);

/// {"code", "message", "hint"}; cut so that it fits a head.
std::string error_head(const Error& error);

/// What `error_head` made. An unreadable head is a protocol error itself. Never throws but for memory.
Error error_from_head(std::string_view head);

} // namespace hearth::process::wire
