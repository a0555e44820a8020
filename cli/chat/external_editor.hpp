#pragma once

#include <string>
#include <string_view>

namespace hearth::cli {

/// Lets the person edit a text with $VISUAL, else $EDITOR, else vi, on this terminal, which must be in its usual mode.
/// @return the new text, without line ends at its end; what is not UTF-8 in it became U+FFFD
/// @throws Error  unsupported: there is no such editor, or it failed; store_failed
std::string edit_text(std::string_view text);

} // namespace hearth::cli
