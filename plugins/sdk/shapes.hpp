#pragma once

#include "plugins/sdk/plugin.hpp"

#include <string>
#include <vector>

/// The shapes of events, as the ABI header gives them. Each function throws Violation.
namespace hearth::sdk {

void check_description(const Json& event);
void check_devices(const Json& event);
void check_estimate(const Json& event);
void check_info(const Json& event);

/// @return the text of the answer
std::string check_chat(const std::vector<Json>& events, bool stream);
std::string check_complete(const std::vector<Json>& events, bool stream);
void check_embeddings(const std::vector<Json>& events, std::size_t inputs);
void check_tokens(const std::vector<Json>& events);
void check_template(const std::vector<Json>& events);

/// A body for the operation that every backend can answer. `tokens` bounds the answer.
Json body_for(const std::string& operation, bool stream, int tokens);
/// The check that fits the operation.
void check_events(const std::string& operation, const std::vector<Json>& events, bool stream);

} // namespace hearth::sdk
