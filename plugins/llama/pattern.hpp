#pragma once

#include <string>
#include <string_view>

namespace hearth::llama {

/// A JSON Schema `pattern` in the words that the engine's grammars have, for text between the quotes of a JSON
/// string: nothing that it matches needs an escape there.
/// The engine itself warns about what it cannot do on stderr, with the text of the user, and then takes any
/// string; and what it takes may match a quote, which ends the string.
/// @throws std::invalid_argument  why the pattern is not supported
std::string grammar_pattern(std::string_view pattern);

} // namespace hearth::llama
