#pragma once

#include "base/json.hpp"
#include "cli/wait_line.hpp"

#include <string>

namespace hearth::protocol {
class Client;
}

namespace hearth::cli {

/// How an answer is shown.
enum class AnswerStyle {
    text,  ///< the answer as it comes; on a terminal the model's thoughts before it, dimmed
    events ///< each event as a line of JSON
};

/// One answer of /api/chat or /api/generate on its way to stdout.
class Answer {
  public:
    explicit Answer(AnswerStyle style);

    /// Asks and prints until the answer is complete; what it waits for before is told on stderr. May throw in the middle: `text` is then what came.
    void stream(const protocol::Client& client, std::string path, const Json& body);

    /// What the model said so far.
    const std::string& text() const noexcept { return text_; }
    /// Ends the line on stdout, if one is open. May be called again.
    void end_line();
    /// Durations and rates of the last event, a line each; empty before it came.
    std::string timings() const;

  private:
    void take(const Json& event);
    void print_text(const std::string& piece);
    void print_thinking(const std::string& piece);
    void close_thinking();

    AnswerStyle style_;
    WaitLine wait_;
    bool safe_;              // stdout is a terminal: control characters are replaced
    bool line_open_ = false; // on stdout: its last character is no line end
    bool thinking_ = false;  // thoughts are on the screen, and the answer has not begun
    std::string text_;
    std::string last_; // the event with the timings, as JSON text
};

} // namespace hearth::cli
