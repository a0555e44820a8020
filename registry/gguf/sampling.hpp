#pragma once

#include "registry/gguf/header.hpp"

#include <string>

namespace hearth::registry::gguf {

/// How whoever made the file recommends to sample from it: its `general.sampling.*` keys (llama.cpp's, llama-arch.cpp) as a
/// JSON object of Ollama's options ("temperature", "top_k", "top_p", "min_p", "repeat_last_n", "repeat_penalty"); empty
/// text: the file says nothing. A key of another type, or that no sampler takes, is left out: it is advice.
std::string recommended_options(const Header& header);

} // namespace hearth::registry::gguf
