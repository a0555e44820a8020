#pragma once

#include "base/json.hpp"

#include <string_view>

namespace hearth {
class Error;
}

/// stdout for results, stderr for everything else. One write(2) for each call, so that a token is seen when
/// it comes.
namespace hearth::cli {

/// @throws Error  disk_full or store_failed when stdout does not take it
void print(std::string_view text);
/// One line: the object with `"version":1` added. @throws Error as print
void print_json(Json object);

/// To stderr; never throws, as there is nobody left to tell.
void note(std::string_view text) noexcept;
/// "error: …" and "hint: …", or one JSON object, on stderr.
void print_error(const Error& error, bool json) noexcept;

} // namespace hearth::cli
