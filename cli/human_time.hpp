#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::cli {

/// Seconds since the epoch: RFC 3339 allows years that nanoseconds cannot hold, and "for ever" is one of
/// them.
using Seconds = std::chrono::sys_seconds;

/// Reads "2026-11-23T10:11:12.123456789+01:00". Nothing when it is no such text.
std::optional<Seconds> parse_rfc3339(std::string_view text);

/// "3 days ago", "4 minutes from now", "Forever" for more than twenty years ahead.
std::string relative_time(Seconds time, Seconds now);

/// "1h05m", "3m20s", "12s": the time left of a transfer.
std::string short_duration(std::chrono::seconds duration);

} // namespace hearth::cli
