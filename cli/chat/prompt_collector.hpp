#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hearth::cli {

/// What the person meant, and what they typed for it.
struct Prompt {
    std::string text;
    std::string typed; ///< for the history: entered again, it gives the same text
};

/// Puts a prompt together from lines: between `"""` and `"""` it may have many, and a `\` at the end of a line goes on. The
/// first `"""` stands at the beginning, or after a space in a line that begins with `/`. Pure.
class PromptCollector {
  public:
    /// @param line  what the editor returned; may hold line ends itself
    /// @return      the prompt, once it is complete
    std::optional<Prompt> take(std::string_view line);
    /// A prompt has begun and is not complete.
    bool open() const noexcept { return open_; }
    /// Forgets what has begun.
    void reset() noexcept;

  private:
    std::string typed_;
    bool open_ = false;
};

/// What to keep of a question whose pastes were put into `typed`: that, where entered again it asks the same; else the question
/// between fences. A pasted text may begin with a slash, or hold fences and joints. Pure.
/// @param question  what was asked
/// @return          nothing when neither asks the same
std::optional<std::string> as_typed_again(const std::string& typed, std::string_view question);

} // namespace hearth::cli
