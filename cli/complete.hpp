#pragma once

#include "base/json.hpp"

#include <string>

/// What shells ask while a person types: fast, silent, and nothing is started for it.
namespace hearth::cli {

/// Prints candidates, one a line: "models", "loaded", "settings". Without a service, "models" are those that were last
/// seen. @return 0, always
int complete(const std::string& kind);

/// Keeps the names of the rows of /api/tags for the time when no service answers. Never throws.
void remember_names(const Json& models);

} // namespace hearth::cli
