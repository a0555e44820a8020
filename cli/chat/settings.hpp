#pragma once

#include <span>
#include <string>
#include <string_view>

namespace hearth::cli {

struct RunOptions;

/// Options that a model knows, for completion and for `/set parameter`.
std::span<const std::string_view> parameter_names() noexcept;

/// Makes `parameters` of what the command line said about the model's options, so that `/set parameter` can take it back.
void gather_parameters(RunOptions& options);

/// Does what `/set` says. "history" is known here and kept by the conversation: options.keep_history.
/// @param what  "system be brief", "parameter temperature 0.2", …; also Ollama's "nothink", "noformat", "quiet", "nohistory"
/// @return      a sentence that says what is set now
/// @throws Error  usage: no such setting, or a value it does not take; as format_json
std::string apply_setting(RunOptions& options, std::string_view what);

/// All settings and their values, a line each.
std::string settings_text(const RunOptions& options);

} // namespace hearth::cli
