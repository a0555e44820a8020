#pragma once

#include "plugins/echo/model.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What the body of a request says, member by member. All throw Failure HEARTH_E_INVALID.
namespace hearth::echo {

/// A list of messages that is not empty.
const Json& messages_of(const Json& body);
/// The prompt that a template would make of messages.
std::string render(const Json& messages);
/// Of the last message of the user; empty when there is none.
std::string last_user_text(const Json& messages);

std::vector<std::string> stops_of(const Json& body);
/// The number of words wanted; negative: no limit.
std::int64_t limit_of(const Json& body);

std::vector<std::int64_t> tokens_of(std::string_view text);
/// The one event that answers a body of "embed".
Json embed_event(const Json& body);
/// The one event that answers a body of "tokenize".
Json tokenize_event(const Json& body);

} // namespace hearth::echo
