#pragma once

#include "base/json.hpp"

#include <string_view>

/// The order in which a text names the members of its objects. `Json` sorts them; where the order means
/// something (a schema's properties, a call's arguments), the object is held as its own text, and to_text
/// writes it as it was. All functions are linear in the text, which parse_json (or the same parser) took.
namespace hearth {

/// A value that stands for the object in `text`: nothing reads its members any more. Held without spaces
/// between tokens and without escapes that JSON does not need; numbers as they are written.
Json ordered_object(std::string_view text);

bool is_ordered(const Json& value);

/// An object, ordered or not.
bool is_any_object(const Json& value);

/// Replaces the objects at `path` below `value` by ordered ones; what is absent or no object stays.
/// @param text  what `value` was parsed from
/// @param path  member names, and `*` for every element of an array: "tools/*/function/parameters"
void keep_order(Json& value, std::string_view text, std::string_view path);

} // namespace hearth
