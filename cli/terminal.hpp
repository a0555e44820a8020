#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hearth::cli {

bool is_terminal(int fd) noexcept;
/// Whether stdout shows colours: a terminal, and NO_COLOR is not set.
bool has_color() noexcept;
/// Columns of the terminal at `fd`; 80 when it does not say.
std::size_t terminal_width(int fd) noexcept;

/// The text with control characters (escape sequences of a peer or a model) and bytes that are not UTF-8 replaced by U+FFFD;
/// newlines and tabs stay.
std::string printable(std::string_view text);
/// As above, on one line: newlines and tabs become spaces.
std::string printable_line(std::string_view text);

/// Whether all of it is UTF-8, U+0000 excepted.
bool is_text(std::string_view text) noexcept;
/// The text with each byte that is not UTF-8 replaced by U+FFFD.
std::string as_text(std::string_view bytes);

/// Columns that the text takes; needs setlocale(LC_CTYPE). Invalid UTF-8 counts a column a byte.
std::size_t display_width(std::string_view text);
/// The text cut to `width` columns, the last one "…" when something was cut.
std::string elide(std::string_view text, std::size_t width);

} // namespace hearth::cli
