#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// JSON at our borders. Sources that build or read values include <nlohmann/json.hpp> themselves;
/// headers include only this file.
namespace hearth {

using Json = nlohmann::json;

/// Parses one JSON text from outside.
/// @param what     names the text in the error: "request body", "manifest"
/// @param depth    deepest nesting allowed
/// @throws Error   invalid_argument: syntax (with byte offset), too deep, duplicate keys, invalid UTF-8,
/// U+0000
Json parse_json(std::string_view text, std::string_view what, int max_depth = 64);

/// Compact text; invalid UTF-8 inside strings is replaced by U+FFFD, so that it never throws.
std::string to_text(const Json& value);

/// Typed members of an object from outside. Absent or null gives nullopt.
/// @throws Error   invalid_argument "option "num_ctx" must be of type integer" when the type is wrong
std::optional<std::string> get_string(const Json& object, const char* key);
std::optional<std::int64_t> get_integer(const Json& object, const char* key);
std::optional<double> get_number(const Json& object, const char* key);
std::optional<bool> get_bool(const Json& object, const char* key);

/// As above, but absent is an error: `"model" is required`.
std::string require_string(const Json& object, const char* key);

} // namespace hearth
