#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::cli {

/// What was typed at the prompt, one prompt a line, in a file of its owner alone: where others may read it, the next prompt
/// takes that away. What is no regular file is left alone. Conversations that run at once append to the same file; what another
/// adds just while one makes the file smaller is lost. A history that cannot be read or written is no failure of the
/// conversation: nothing here throws for it.
class PromptHistory {
  public:
    explicit PromptHistory(std::filesystem::path file);

    /// Oldest first, each once, at most 1000; makes the file smaller when it holds much more than that.
    std::vector<std::string> load() const;
    /// Appends it; makes file and folder where there are none.
    void add(std::string_view prompt) const;

  private:
    std::filesystem::path file_;
};

} // namespace hearth::cli
