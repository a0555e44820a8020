#pragma once

#include "base/json.hpp"
#include "cli/human_time.hpp"

#include <string>

/// Cells of one model of /api/tags or /api/ps. Members that are absent give empty cells; of a wrong type,
/// Error protocol or invalid_argument.
namespace hearth::cli {

struct Arguments;

/// The list under "models". @throws Error protocol when the answer has none
Json models_of(const Json& answer);
/// Where something else than a table was asked for: one object with --json, a name for each line with -q.
/// @return whether it was
bool print_for_scripts(const Arguments& arguments, const Json& models);

std::string name_of(const Json& model);
/// First 12 digits of the digest, with or without "sha256:".
std::string short_id(const Json& model);
/// "4.1 GB" for people, a number of bytes for programs.
std::string size_of(const Json& model, bool for_people);

Seconds seconds_now();

} // namespace hearth::cli
