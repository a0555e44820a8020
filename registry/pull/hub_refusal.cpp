#include "registry/pull/hub_refusal.hpp"

#include "registry/name_text.hpp"
#include "registry/pull/retry.hpp"

#include <fmt/format.h>

namespace hearth::registry {

namespace {

Error denied(const std::string& text, const std::string& hint) {
    return Error(ErrorCode::registry_denied, text, hint);
}

Error describe_gated(const HubRefusal& refusal) {
    const std::string accept = "accept its terms at " + refusal.page;
    return denied(refusal.repository + " is gated: its authors want to be asked first",
                  refusal.with_token
                      ? accept + " with the account that your token belongs to"
                      : accept + ", then set HF_TOKEN for the service, or run `hf auth login`");
}

Error describe_unauthorized(const HubRefusal& refusal) {
    if (refusal.with_token) {
        return denied(refusal.repository + ": the Hub does not accept your token",
                      "make a new one at https://huggingface.co/settings/tokens and set HF_TOKEN");
    }
    return denied(
        refusal.repository + " does not exist, is private, or is gated: the Hub does not say which",
        fmt::format("check the name at {}; for a private or gated model set HF_TOKEN", refusal.page));
}

} // namespace

Error describe(const HubRefusal& refusal) {
    if (refusal.code == "GatedRepo") {
        return describe_gated(refusal);
    }
    if (name_text::lower_case(refusal.message).find("is disabled") != std::string::npos) {
        return denied(refusal.repository + " is disabled: the Hub does not give it out any more",
                      "look for another copy of the model");
    }
    if (refusal.code == "RepoNotFound" || refusal.status == 404) {
        return Error(ErrorCode::model_not_found, "the Hub has no " + refusal.repository,
                     refusal.with_token
                         ? "check the name; if it is private, your token has no right to read it"
                         : "check the name; a private repository needs HF_TOKEN");
    }
    if (refusal.status == 401) {
        return describe_unauthorized(refusal);
    }
    if (refusal.status == 403) {
        return denied(fmt::format("the Hub refuses {} (status 403)", refusal.repository),
                      refusal.with_token
                          ? "your token may not read it, or its terms are not accepted: see " + refusal.page
                          : "set HF_TOKEN; accept the model's terms at " + refusal.page);
    }
    return Error(ErrorCode::registry_failed,
                 fmt::format("the Hub answers with status {} for {}", refusal.status, refusal.repository));
}

std::optional<std::chrono::seconds> parse_rate_limit(const std::string& header) {
    const std::size_t at = header.find(";t=");
    if (at == std::string::npos) {
        return std::nullopt;
    }
    const std::size_t end = header.find_first_of(";, ", at + 3);
    const auto left = parse_retry_after(header.substr(at + 3, end == std::string::npos ? end : end - at - 3));
    return left ? std::optional(*left + std::chrono::seconds(1)) : std::nullopt;
}

} // namespace hearth::registry
