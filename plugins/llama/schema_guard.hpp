#pragma once

#include "plugins/llama/failure.hpp"

namespace hearth::llama {

/// Makes a JSON Schema one that the engine's grammars keep to wholly, so that every complete answer validates: what
/// has an equal form is rewritten, and what the engine would silently leave out is refused with the place and the
/// keyword. Without it the engine prints parts of the user's schema to stderr, and takes answers that do not
/// validate.
/// @throws Failure  HEARTH_E_INVALID, HEARTH_E_UNSUPPORTED
/// Source: llama.cpp common/json-schema.cpp and json-schema-to-grammar.cpp of the pinned release.
void check_schema(Json& schema);

/// The parameters of a tool: the same rewriting, but what is not supported is taken out, as a tool's schema only
/// guides.
void loosen_schema(Json& schema);

} // namespace hearth::llama
