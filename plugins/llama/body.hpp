#pragma once

#include "plugins/llama/failure.hpp"

#include <vector>

struct llama_vocab;

namespace hearth::llama {

/// Translates a chat body: asks for usage in the last event, refuses media that the engine would fetch by
/// itself, and schemas that it would not keep to.
/// @throws Failure  HEARTH_E_INVALID
void prepare_chat(Json& body);

/// Checks the body of a completion, and its schema. @throws Failure HEARTH_E_INVALID
void prepare_complete(Json& body);

/// Translates an embed body into token lists.
/// @param limit  tokens per text
/// @return       all tokens together
/// @throws Failure  HEARTH_E_INVALID, HEARTH_E_CONTEXT
std::int64_t prepare_embed(Json& body, const llama_vocab* vocabulary, std::size_t limit);

/// {"content", "add_special"} and nothing else. @throws Failure HEARTH_E_INVALID
void prepare_tokenize(Json& body);

} // namespace hearth::llama
