#pragma once

#include "base/json.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// From the runner's events to Ollama's chunks. No I/O: tests feed objects.
namespace hearth::daemon {

/// What one event adds to the answer.
struct Piece {
    std::string text;
    std::string thinking;
    Json tool_calls = nullptr; ///< Ollama's shape, whole; null when there is none
    Json logprobs = nullptr; ///< of the tokens: [{token, logprob, bytes, top_logprobs}]; null when not asked
    bool empty() const {
        return text.empty() && thinking.empty() && tool_calls.is_null() && logprobs.is_null();
    }
    /// Appends what comes next.
    void add(Piece next);
};

/// The sums at the end. Durations in nanoseconds; 0: the backend did not say.
struct AnswerMetrics {
    std::string done_reason = "stop";
    std::int64_t prompt_tokens = 0;
    std::int64_t answer_tokens = 0;
    std::int64_t prompt_nanoseconds = 0;
    std::int64_t answer_nanoseconds = 0;
};

/// Understands the events of "chat" (chat.completion.chunk) and of "complete".
class AnswerTranslator {
  public:
    /// @throws Error  backend_failed when the event says {"error": …}
    Piece feed(const Json& event);
    /// Tool calls that were still being collected when the events ended.
    Piece finish();
    const AnswerMetrics& metrics() const noexcept { return metrics_; }
    /// Token ids that "complete" reported.
    const std::vector<std::int64_t>& tokens() const noexcept { return tokens_; }

  private:
    void feed_delta(const Json& delta, Piece& piece);
    void collect_tool_calls(const Json& deltas);
    void read_timings(const Json& event);
    Piece feed_completion(const Json& event);

    Json tool_calls_ = Json::array(); ///< OpenAI's, arguments growing
    AnswerMetrics metrics_;
    std::vector<std::int64_t> tokens_;
};

/// The six metrics of a last chunk; zeros are left out, as Ollama does.
/// @param total,load  nanoseconds
Json metrics_json(const AnswerMetrics& metrics, std::int64_t total, std::int64_t load);

} // namespace hearth::daemon
