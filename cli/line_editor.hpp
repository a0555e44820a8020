#pragma once

#include <memory>
#include <string>

namespace hearth::cli {

/// What the person did at the prompt.
enum class LineResult { line, interrupted, end };

/// Lines from the terminal with libedit: editing, and a history that lives in memory only. Draws on stderr,
/// so that stdout holds answers alone.
class LineEditor {
  public:
    LineEditor();
    ~LineEditor();
    LineEditor(const LineEditor&) = delete;

    /// Waits for a line, without its newline. Ctrl-C gives `interrupted`, Ctrl-D on an empty line `end`.
    LineResult read(const char* prompt, std::string& line);
    void remember(const std::string& line);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace hearth::cli
