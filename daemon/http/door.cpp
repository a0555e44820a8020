#include "daemon/http/door.hpp"

#include "base/error.hpp"

#include <array>

namespace hearth::daemon::http {
namespace {

constexpr std::size_t counted_addresses = 1024; // a network of guessers must not fill our memory

/// "Bearer TOKEN", the scheme in any case.
std::string_view bearer(std::string_view value) {
    constexpr std::string_view scheme = "bearer ";
    if (value.size() <= scheme.size()) {
        return {};
    }
    for (std::size_t i = 0; i < scheme.size(); ++i) {
        const char c = value[i];
        if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : c) != scheme[i]) {
            return {};
        }
    }
    value.remove_prefix(scheme.size());
    return value.substr(std::min(value.find_first_not_of(' '), value.size()));
}

/// The token of ours that a client presents; empty when it presents none.
std::string_view presented(const Head& head) {
    const std::array keys{bearer(head.field("authorization")), head.field("x-api-key")};
    for (const std::string_view key : keys) {
        if (key.starts_with(token_prefix)) {
            return key;
        }
    }
    return {};
}

} // namespace

std::chrono::steady_clock::duration FailedTokens::count(const boost::asio::ip::address& from, Time now,
                                                        const Limits& limits) {
    constexpr auto window = std::chrono::minutes(1);
    if (minutes_.size() >= counted_addresses) {
        std::erase_if(minutes_, [&](const auto& entry) { return now - entry.second.begin >= window; });
    }
    if (minutes_.size() >= counted_addresses && !minutes_.contains(from)) {
        return limits.failed_token_delay;
    }
    Minute& minute = minutes_[from];
    if (minute.failures == 0 || now - minute.begin >= window) {
        minute = {now, 0};
    }
    ++minute.failures;
    return minute.failures > limits.failed_tokens_per_minute ? limits.failed_token_delay
                                                             : std::chrono::steady_clock::duration::zero();
}

Door::Door(Endpoint endpoint, DoorRules rules, TokenCheck check, const Certificate* certificate,
           const Site* site)
    : endpoint_(std::move(endpoint)), rules_(checked(std::move(rules))), check_(std::move(check)),
      certificate_(certificate), site_(site) {}

std::string_view Door::check_origin(const Head& head, const Peer& peer) const {
    if (rules_.reach == Reach::loopback && !is_loopback(peer.remote.address())) {
        throw Error(ErrorCode::forbidden, "this address serves programs of its own machine");
    }
    check_host(head, rules_, peer.local);
    return http::check_origin(head, rules_, peer.local);
}

Admission Door::admit(const Head& head) const {
    const std::string_view token = presented(head);
    if (token.empty() && rules_.anonymous == Anonymous::infer) {
        return {};
    }
    if (token.empty()) {
        throw Error(ErrorCode::token_required, "a token of this service is required",
                    "hearth token create NAME prints one; send it as Authorization: Bearer TOKEN");
    }
    auto holder = check_(token);
    if (!holder) {
        throw Error(ErrorCode::token_required, "the token is unknown, expired or revoked",
                    "hearth token list shows those that are valid");
    }
    return {holder->access, {App::Source::token, std::move(holder->name)}, std::move(holder->id)};
}

bool Door::presents_token(const Head& head) {
    return !presented(head).empty();
}

} // namespace hearth::daemon::http
