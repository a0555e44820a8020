#pragma once

#include "plugins/abi/hearth_backend.h"

#include <string_view>

namespace hearth::llama {

/// Refuses chat templates that would overflow the stack of llama.cpp's template engine before it sees them:
/// it parses and renders recursively and has no limits of its own. Limits: 1 MiB of source; blocks and
/// brackets nested 200 deep; 2000 tokens in one tag, which bounds chains such as `not not …` and `a ~ a ~ …`.
/// Endless loops and growth are not found here: those end with the process.
/// @throws Failure  with `status`
void check_chat_template(std::string_view source, hearth_status status);

} // namespace hearth::llama
