#pragma once

#include "base/json.hpp"
#include "daemon/handlers/inference.hpp"
#include "daemon/handlers/translate.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

/// OpenAI's older completions: a text goes on. Pure functions.
namespace hearth::daemon {

struct CompletionRequest {
    std::string model; ///< as the client wrote it
    std::string backend;
    std::optional<std::chrono::nanoseconds> keep_alive;
    Json prompt; ///< a text, or a list of tokens
    bool echo = false;
    bool stream = false;
    bool include_usage = false;
    std::optional<std::int64_t> logprobs; ///< alternatives per token
    Json sampling = Json::object();       ///< in the names of the runner's "complete"
};
/// @throws Error  invalid_argument, naming the field; unsupported for what no backend of ours does
CompletionRequest parse_completion(const Json& body);

/// Body of "complete": the model's own parameters under what the request says.
Json completion_body(const CompletionRequest& request, const Target& target);

/// The answer's objects.
class CompletionShape {
  public:
    explicit CompletionShape(const CompletionRequest& request);

    /// A text_completion; a part of one in a stream. @param finish_reason  null before the end
    Json object(const Piece& piece, Json finish_reason);
    /// The object that a stream ends with where usage was asked for.
    Json usage_object(const AnswerMetrics& metrics) const;
    static Json usage(const AnswerMetrics& metrics);

  private:
    Json legacy_logprobs(const Json& tokens);
    Json frame() const;

    std::string model_;
    std::string id_;
    std::int64_t created_;
    bool logprobs_;
    bool alternatives_;
    std::size_t offset_ = 0; ///< of the next token in the text
};

} // namespace hearth::daemon
