#pragma once

#include "plugins/llama/failure.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// What the guard of JSON Schemas knows of single keywords; places are texts such as "#/properties/name". Internal to
/// schema_guard.hpp's functions. All throw Failure HEARTH_E_INVALID, and the JSON library's exceptions where a member
/// has another type than it must.
namespace hearth::llama::schema {

inline constexpr std::int64_t longest = 2000; ///< the engine takes larger counts for "without end"

[[noreturn]] void refuse(const std::string& place, const std::string& why);

/// Whether the keyword says which values are right; titles and the like do not.
bool is_constraint(std::string_view keyword);

/// Refuses keywords beside those that the engine reads at this place.
/// @param type  of the values here; "any" when it may be any
void allow(const Json& schema, const std::string& place, std::string_view type,
           const std::vector<std::string_view>& allowed);

/// A number of items or characters. @param absent  the answer when the keyword is not there
std::int64_t count(const Json& schema, const char* key, const std::string& place, std::int64_t absent);

/// The only values, where they are listed; else null.
Json values_of(const Json& schema);
/// Of the values that may match, in JSON's words ("integer" is "number"); empty: any.
std::set<std::string> types_of(const Json& schema);

/// "enum" and "const": each value must be of the type beside it.
void check_values(const Json& schema, const std::string& place);
/// Bounds of an integer; writes a lower one where the engine's grammar needs it.
void check_integer(Json& schema, const std::string& place);
/// Lengths and formats of a text.
void check_text_limits(const Json& schema, const std::string& place);

} // namespace hearth::llama::schema
