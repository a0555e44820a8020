#pragma once

#include "base/json.hpp"
#include "daemon/handlers/anthropic_messages.hpp"
#include "daemon/handlers/openai_request.hpp"

#include <optional>
#include <string>
#include <vector>

/// Anthropic's requests. Pure functions.
namespace hearth::daemon {

struct AnthropicRequest {
    OpenAiChat
        chat; ///< its body is for the backend, always streaming; `chat.stream` is what the client asked for
    bool think = false;             ///< the client wants thoughts; without it the API has none
    std::vector<std::string> stops; ///< of the client
    std::int64_t max_tokens = 0;    ///< 0: only counted
    IgnoredFields ignored;
};

enum class AnthropicCall { message, count_tokens };

/// @throws Error  invalid_argument, naming the field; unsupported for what would be a lie to leave out
AnthropicRequest parse_anthropic(const Json& body, AnthropicCall call);

/// Asks the model to think or not, or notes that it has no thoughts to give.
/// @param has_thoughts  nullopt: nobody knows
void apply_thinking(AnthropicRequest& request, std::optional<bool> has_thoughts);

/// The names in one line for a header, as many as fit; what a client can put in is printable.
std::string ignored_line(const IgnoredFields& ignored);

} // namespace hearth::daemon
