#pragma once

#include <string>

namespace hearth::protocol {
class Client;
}

namespace hearth::cli {

struct PullOptions;

/// How a pull is told while it runs.
enum class PullReport {
    progress, ///< to stderr, for people
    events,   ///< NDJSON on stdout
    nothing,
};

/// Pulls a model through /api/pull. Returns the name it is kept under, as far as the service says it.
/// @throws Error  what the service did; cancelled (with what to do next) on Ctrl-C, whereupon the service
/// stops too
std::string pull_model(const protocol::Client& client, PullOptions options, PullReport report);

} // namespace hearth::cli
