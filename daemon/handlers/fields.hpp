#pragma once

#include "base/json.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

/// Typed members of request bodies that `base/json.hpp` has no reader for. All name the field when they
/// refuse.
namespace hearth::daemon {

/// As the readers of base, with messages that say "field".
std::optional<std::string> string_field(const Json& object, const char* key);
std::optional<bool> flag_field(const Json& object, const char* key);
std::optional<double> number_field(const Json& object, const char* key, double least, double most);
std::optional<std::int64_t> integer_field(const Json& object, const char* key, std::int64_t least,
                                          std::int64_t most);
std::vector<std::string> strings_field(const Json& object, const char* key);
/// The member when it is an object or array as wanted, else null. @throws Error invalid_argument
Json object_field(const Json& object, const char* key);
Json array_field(const Json& object, const char* key);

/// `model`, or its old alias `name`. @throws Error invalid_argument: "model is required"
std::string model_field(const Json& object);

/// Ollama's keep_alive: a number is seconds, a text a Go duration, negative for ever, absent or null the
/// default. Sub-nanosecond and too long values are cut to what a duration can hold.
std::optional<std::chrono::nanoseconds> keep_alive_field(const Json& object);

} // namespace hearth::daemon
