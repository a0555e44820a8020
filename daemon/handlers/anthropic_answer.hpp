#pragma once

#include "base/json.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// From the runner's events of "chat" to Anthropic's. No I/O: tests feed objects.
namespace hearth::daemon {

/// Is the client shown what the model thought? One that did not ask for it looks for no such blocks.
enum class Thoughts { shown, left_out };

/// The events of one answer, in the order that Anthropic's clients rely on: one block is open at a time, indices count
/// up without a gap, and every block is closed before the answer ends.
class AnthropicEvents {
  public:
    /// @param stops       of the client: only these are told as the reason of an end
    /// @param max_tokens  of the client: an answer that was cut before it filled the context
    AnthropicEvents(std::string model, std::vector<std::string> stops, std::int64_t max_tokens,
                    Thoughts thoughts = Thoughts::shown);

    /// What a chat.completion.chunk adds, each with its "type"; a "ping" where a client would else wait in silence.
    /// @throws Error  backend_failed: no object, an error, or tool calls mixed up
    std::vector<Json> feed(const Json& chunk);
    /// The events that end the answer.
    std::vector<Json> finish();

  private:
    enum class Block { none, thinking, text, tool };

    void read_counts(const Json& chunk);
    void start();
    void add_thought(const std::string& text);
    void add_text(Block block, const std::string& text);
    void add_call(const Json& call);
    void open(Block block, Json content);
    void close();
    void delta(Json change);
    std::string stop_reason() const;
    Json usage() const;

    std::string model_;
    std::vector<std::string> stops_;
    std::int64_t max_tokens_;
    Thoughts thoughts_;
    std::vector<Json> out_;
    bool started_ = false;
    Block block_ = Block::none;
    std::int64_t index_ = -1; ///< of the open block, or of the last
    std::int64_t call_ = -1;  ///< the backend's index of the last tool call
    std::int64_t pieces_ = 0; ///< of the answer, where the backend counts no tokens
    std::int64_t input_tokens_ = 0;
    std::int64_t output_tokens_ = 0;
    std::string finish_reason_ = "stop"; ///< OpenAI's
    std::string stop_;                   ///< the stop text that was met
};

/// Events put together: the answer of a client that does not stream is by construction the same.
class AnthropicMessage {
  public:
    void add(const Json& event);
    /// The message, after message_stop.
    Json take();

  private:
    Json message_;
    std::string input_; ///< of the tool_use block that is open
};

} // namespace hearth::daemon
