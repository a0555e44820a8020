#pragma once

#include "plugins/abi/hearth_backend.h"

#include <functional>
#include <string>
#include <string_view>

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

/// While it lives, takes every piece of text that ggml and libllama log on this thread; only errors go on to the
/// host. What `take` throws comes out of the engine's call, where that call catches std::exception. One per
/// thread.
class LogTap {
  public:
    explicit LogTap(std::function<void(std::string_view)> take);
    ~LogTap();
    LogTap(const LogTap&) = delete;

  private:
    std::function<void(std::string_view)> take_;
};

/// Replaces /proc/self/fd/… and scratch paths by "the model file".
std::string without_paths(std::string text);

} // namespace hearth::llama
