#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The text side of the echo backend: pure functions.
namespace hearth::echo {

/// Pieces of a text: each is one word with the white space before it, so that joining them gives the text
/// back. White space at the end is a piece of its own.
std::vector<std::string> split_words(std::string_view text);

/// A stable token id of a piece, 3 … 50002. 1 and 2 are begin and end of text.
std::int64_t token_of(std::string_view piece);

inline constexpr std::int64_t begin_of_text = 1;

/// Eight numbers with length 1 that depend on the text alone.
std::vector<float> embed(std::string_view text);

/// @return `text` up to the first of `stops`; `met` becomes that one, or empty. Empty stops are ignored.
std::string cut_at_stop(std::string text, const std::vector<std::string>& stops, std::string& met);

} // namespace hearth::echo
