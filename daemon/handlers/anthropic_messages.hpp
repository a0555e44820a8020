#pragma once

#include "base/json.hpp"

#include <set>
#include <string>

/// Anthropic's conversations in OpenAI's shape, which the backends speak. Pure functions.
namespace hearth::daemon {

/// Names of what a request asks for and nobody here does: "metadata", "cache_control", "tools.strict".
using IgnoredFields = std::set<std::string>;

/// `system` and `messages` as one list. Turns of one role that follow each other become one, tool results messages of
/// role "tool", in the order in which they were sent.
/// @param ignored  gains what a block asks for in vain
/// @throws Error   invalid_argument, naming the place; unsupported for blocks that would be a lie to leave out
Json anthropic_conversation(const Json& body, IgnoredFields& ignored);

/// Sets "tools", "tool_choice" and "parallel_tool_calls" in `chat`. A tool that is chosen by name is then the only one
/// that is offered.
/// @throws Error  invalid_argument; unsupported for tools that Anthropic's own servers run or define
void apply_anthropic_tools(const Json& body, Json& chat, IgnoredFields& ignored);

} // namespace hearth::daemon
