#pragma once

#include "cli/chat/completion.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::cli {

class Interrupt;
class Pastes;

/// What the person did at the prompt.
enum class LineResult { line, interrupted, end };

/// Lines from the terminal with libedit: editing with the keys of emacs, or of vi where ~/.editrc says `bind -v`; history,
/// completion, and beyond libedit bracketed paste, Alt-Enter and Ctrl-G. Draws on stderr, so that stdout holds answers alone.
class LineEditor {
  public:
    using Completer = std::function<Completion(std::string_view before)>;

    /// @param pastes    keeps what is pasted; lines hold its marks
    /// @param complete  what Tab does
    LineEditor(Interrupt& interrupt, Pastes& pastes, Completer complete);
    ~LineEditor();
    LineEditor(const LineEditor&) = delete;

    /// Waits for a line, without the newline at its end; it may hold others. Ctrl-C gives `interrupted`, Ctrl-D on an empty line
    /// `end`.
    LineResult read(const char* prompt, std::string& line);
    /// Offers it to the Up key.
    void remember(const std::string& line);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace hearth::cli
