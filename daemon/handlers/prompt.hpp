#pragma once

#include "daemon/handlers/inference.hpp"
#include "daemon/handlers/options.hpp"
#include "daemon/handlers/requests.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The JSON bodies of the runner's operations. Pure functions.
namespace hearth::daemon {

/// The model's own messages and system prompt before those of the request (request > model).
/// @param messages  OpenAI's shape
/// @param system    of the request; nullopt: the model's
Json with_model_messages(const Target& target, Json messages, const std::optional<std::string>& system);

/// Body of "chat", streaming.
Json chat_body(Json messages, const Json& tools, const Json& format, const Think& think,
               const Options& options);
/// Asks for the probabilities of tokens. @param body  of "chat" or "complete"
void add_logprobs(const Logprobs& logprobs, bool complete, Json& body);
/// The messages of a generate request.
Json generate_messages(const GenerateRequest& request, const Target& target);
/// What /api/generate gives a model without a chat template: it goes on with the text itself, after the
/// system prompt, as Ollama's default template `{{ .Prompt }}` does; chat markup would be noise to it.
/// @return nullopt when the model has a template, or images that only "chat" can carry
std::optional<std::string> plain_prompt(const GenerateRequest& request, const Target& target);
/// Body of "complete", streaming. @param prompt  text or tokens
Json complete_body(Json prompt, const Json& format, const Options& options);

} // namespace hearth::daemon
