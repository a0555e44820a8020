#pragma once

#include "base/json.hpp"

#include <string>
#include <vector>

namespace hearth::cli {

struct MemoryOptions;
struct RunOptions;

/// Body of /api/chat, or of load when there are no messages: model, backend, keep_alive and options as the
/// command line says.
Json chat_request(const RunOptions& options, const Json& messages);

/// Body of /api/generate for one question: a base model without a chat template then goes on with the text
/// itself. @param images  base64
Json generate_request(const RunOptions& options, const std::string& prompt,
                      const std::vector<std::string>& images);

/// `context`, `parallel`, `kv_type`, … as /hearth/v1/load and plan take them.
void add_memory_wishes(const MemoryOptions& options, Json& body);

Json message(const std::string& role, const std::string& content);

/// "5m" stays a text; "300" and "-1" become seconds, as a number without a unit is refused in a text.
Json keep_alive_value(const std::string& text);

/// What `--format` means to the service, as JSON text: "json", or the JSON Schema of a file.
/// @throws Error  usage: no such file, or no schema; invalid_argument: no JSON
std::string format_json(const std::string& format);

/// A path of a file becomes file:///absolute; anything else stays what it is. Paths start with `/`, `./` or
/// `../`, or name a `.gguf` file that exists.
std::string model_address(const std::string& text);

} // namespace hearth::cli
