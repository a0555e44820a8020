#pragma once

#include "base/error.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace hearth::registry {

/// An answer of the Hub that is no success, reduced to what decides what it means.
struct HubRefusal {
    int status = 0;
    std::string code;       ///< X-Error-Code: RepoNotFound, GatedRepo, …
    std::string message;    ///< X-Error-Message
    std::string page;       ///< where a person looks at the repository: "https://huggingface.co/org/repo"
    std::string repository; ///< "hf.co/org/repo"
    bool with_token = false;
};

/// What it means, and what a person can do: model_not_found, registry_denied or registry_failed. Source of the
/// codes: reference registry.md 2.4.
Error describe(const HubRefusal& refusal);

/// Seconds to wait, of a 429's `RateLimit: "api";r=0;t=12`: one more than it says. nullopt when it says none.
std::optional<std::chrono::seconds> parse_rate_limit(const std::string& header);

} // namespace hearth::registry
