#pragma once

#include "base/json.hpp"

#include <string>
#include <vector>

/// Messages in Ollama's shape and in OpenAI's. Pure functions.
namespace hearth::daemon {

/// Ollama's messages as OpenAI's: images become data: URIs, tool arguments texts, `thinking`
/// reasoning_content.
/// @throws Error invalid_argument: shape, role, images that are no base64 or are links
Json to_openai_messages(const Json& messages);

/// Checks OpenAI's messages as far as a wrong one would be blamed on the model. @throws Error
/// invalid_argument
void check_openai_messages(const Json& messages);

/// Whether a message of OpenAI's shape holds an image.
bool has_images(const Json& messages);

/// A user message with images, in OpenAI's shape. @param images base64 or data: URIs
Json openai_user_message(const std::string& text, const std::vector<std::string>& images);

/// `format`: absent or "" gives null, "json" or a schema OpenAI's response_format. @throws Error
/// invalid_argument
Json to_response_format(const Json& format);

/// OpenAI's tool calls (whole, arguments as text) as Ollama's: {id, function: {index, name, arguments: {…}}}.
Json to_ollama_tool_calls(const Json& calls);

} // namespace hearth::daemon
