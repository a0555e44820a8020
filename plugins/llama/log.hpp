#pragma once

#include "plugins/abi/hearth_backend.h"

#include <string>

namespace hearth::llama {

/// Sends every log line of ggml, libllama and the server code to the host, at the engine's warning level and
/// above; the rest is dropped, because lower levels may quote prompts. llama.cpp's log is a process global,
/// and so is this. [ctl], once, from init.
void redirect_logs(const hearth_host& host);

/// Any thread. One line for the host.
void log_to_host(int32_t level, const std::string& line);

/// Forgets the errors so far: a load begins.
void forget_errors();
/// Error lines since, one below the other, without descriptor paths; empty when there was none.
std::string recent_errors();
/// The first of them, which names the cause; without the name of the function that said it.
std::string first_error();

/// Replaces /proc/self/fd/… and scratch paths by "the model file".
std::string without_paths(std::string text);

} // namespace hearth::llama
