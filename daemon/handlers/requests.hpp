#pragma once

#include "base/json.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// Ollama's requests as typed values. Parsing names the field that is wrong and ignores what it does not
/// know.
namespace hearth::daemon {

/// The `think` field: absent, a switch, or a level.
struct Think {
    std::optional<bool> wanted;
    std::string level; ///< "low", "medium", "high", "max", or empty
};

/// What generate, chat and embed have in common.
struct CommonFields {
    std::string model; ///< as the client wrote it: answers echo it
    std::string backend;
    Json options; ///< `options` as sent: an object or null
    std::optional<std::chrono::nanoseconds> keep_alive;
    bool stream = true;
    bool progress = false; ///< Hearth's own: a stream begins with what it waits for
};

/// `logprobs` and `top_logprobs`: the probabilities of the answer's tokens.
struct Logprobs {
    bool wanted = false;
    std::int64_t alternatives = 0; ///< per token, 0 … 20
};

struct GenerateRequest {
    CommonFields common;
    std::string prompt;
    std::string suffix;
    std::optional<std::string> system;
    std::vector<std::int64_t> context; ///< tokens of an earlier answer
    std::vector<std::string> images;
    Json format;
    Think think;
    Logprobs logprobs;
    bool raw = false;

    /// No prompt: the request only loads, or with keep_alive 0 unloads.
    bool is_load() const { return prompt.empty() && suffix.empty() && images.empty() && context.empty(); }
};

struct ChatRequest {
    CommonFields common;
    Json messages; ///< in OpenAI's shape already
    Json tools;
    Json format;
    Think think;
    Logprobs logprobs;
};

struct EmbedRequest {
    CommonFields common;
    std::vector<std::string> input; ///< empty texts are left out when it was one empty text
    bool truncate = true;
    std::optional<std::int64_t> dimensions;
};

/// @throws Error invalid_argument
GenerateRequest parse_generate(const Json& body);
ChatRequest parse_chat(const Json& body);
EmbedRequest parse_embed(const Json& body);
/// /api/embeddings: one `prompt`.
EmbedRequest parse_old_embed(const Json& body);
CommonFields parse_common(const Json& body);
/// `tools`, in the shape that both APIs share.
Json parse_tools(const Json& body);

} // namespace hearth::daemon
