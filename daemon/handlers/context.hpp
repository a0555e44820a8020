#pragma once

#include "daemon/handlers/inference.hpp"
#include "daemon/handlers/requests.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

/// Ollama's `context`: the tokens of a conversation, given out by /api/generate and taken back by it.
namespace hearth::daemon {

/// Tokens of the earlier answer and of the new messages, as a prompt for "complete".
/// @throws Error  unsupported when the backend has no "template" or "tokenize"
boost::asio::awaitable<Json> continue_context(runtime::RunnerLease& lease, GenerateRequest request,
                                              Target target);

/// Tokens of the request and its answer; empty when the backend cannot tell them. Never throws for the
/// backend's sake.
boost::asio::awaitable<Json> context_of(runtime::RunnerLease& lease, GenerateRequest request, Target target,
                                        std::string answer);

} // namespace hearth::daemon
