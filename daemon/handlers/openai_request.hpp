#pragma once

#include "base/json.hpp"
#include "daemon/handlers/inference.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

/// OpenAI's requests and events. Pure functions.
namespace hearth::daemon {

struct OpenAiChat {
    std::string model; ///< as the client wrote it
    std::string backend;
    std::optional<std::chrono::nanoseconds> keep_alive;
    bool stream = false;
    bool include_usage = false;
    bool has_tools = false;
    Json body; ///< for the backend, without what is ours
};
/// @throws Error invalid_argument, naming the field
OpenAiChat parse_openai_chat(Json body);

/// The model's messages, system prompt and parameters under what the request says. @return the text for the
/// runner
std::string openai_chat_body(OpenAiChat request, const Target& target);

/// One event of the backend as the events to send: the name that the client used, and usage only where it was
/// asked for, in an event of its own.
std::vector<Json> openai_events(Json event, const OpenAiChat& request);

struct OpenAiEmbedding {
    std::string model;
    std::string backend;
    std::optional<std::chrono::nanoseconds> keep_alive;
    std::vector<std::string> input;
    bool base64 = false;
    std::optional<std::int64_t> dimensions;
};
OpenAiEmbedding parse_openai_embedding(const Json& body);

/// Little-endian floats in base64, as `encoding_format: base64` means.
std::string floats_to_base64(const std::vector<float>& values);

} // namespace hearth::daemon
