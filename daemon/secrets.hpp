#pragma once

#include <cstdint>
#include <span>
#include <string>

/// What cannot be guessed, and comparing it without telling how much of it is right.
namespace hearth::daemon {

/// From the system. @throws Error internal
void fill_random(std::span<std::uint8_t> bytes);

/// 256 random bits as 43 letters, digits, '-' and '_'.
std::string random_secret();

/// 32 random bits as 8 hex digits: a name, no secret.
std::string random_id();

/// Looks at every character, wherever the first difference is.
bool equal_in_constant_time(const std::string& one, const std::string& other);

} // namespace hearth::daemon
