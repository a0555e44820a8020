#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace hearth {

using WallTime = std::chrono::system_clock::time_point;

/// RFC 3339 in UTC with nanoseconds: 2026-11-23T10:11:12.123456789Z.
std::string to_rfc3339(WallTime time);

/// A Go duration: "10m", "1h30m", "-1m", "1.5h", "300ms". A number without a unit is refused, as Ollama does.
/// @throws Error  invalid_argument
std::chrono::nanoseconds parse_go_duration(std::string_view text);

/// The clock as a seam: tests drive it. Thread-safe implementations only.
class Clock {
  public:
    virtual ~Clock() = default;
    virtual WallTime now() const = 0;
    virtual std::chrono::steady_clock::time_point steady_now() const = 0;
};
const Clock& system_clock();

} // namespace hearth
