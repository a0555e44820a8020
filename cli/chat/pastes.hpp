#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::cli {

/// Texts that came into the line at once and would not look well in it. They stay for the whole conversation, so that a line
/// of the history still means what it meant.
class Pastes {
  public:
    /// Keeps `text` when it has several lines or is long. @return what the line shows for it: the text itself, or
    /// "[pasted #1, 3 lines]"
    std::string shown(std::string text);
    /// The line with each mark replaced by its text.
    std::string expand(std::string_view line) const;

  private:
    std::vector<std::pair<std::string, std::string>> kept_; ///< mark and text
};

/// What a terminal sends between the two marks of a bracketed paste, as a text: line ends are "\n", none at the end, no control
/// characters but tabs, U+FFFD for bytes that are not UTF-8.
std::string pasted_text(std::string_view bytes);

} // namespace hearth::cli
