#pragma once

#include "base/json.hpp"

#include <string>

namespace hearth::cli {

/// The readable summary of an answer of /api/show. @param verbose also every key of `model_info`
std::string describe_model(const Json& answer, bool verbose);

/// A text member, or a list of texts joined by empty lines; empty when absent.
std::string member_text(const Json& answer, const char* key);

} // namespace hearth::cli
