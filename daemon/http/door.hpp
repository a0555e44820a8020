#pragma once

#include "daemon/http/door_rules.hpp"
#include "daemon/http/limits.hpp"
#include "daemon/http/peer.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::daemon::http {

class Certificate;
struct Site;

/// Who a token belongs to.
struct TokenHolder {
    std::string id;   ///< stable, no secret
    std::string name; ///< as the user called it
    Access access = Access::infer;
};

/// The holder of a token that a client presents; nothing when it is unknown, expired or revoked.
using TokenCheck = std::function<std::optional<TokenHolder>(std::string_view token)>;

/// What a client that was let in may do.
struct Admission {
    Access access = Access::infer;
    App app;
    std::string token_id; ///< empty: without a token
};

/// Failed tokens, counted by address: who guesses is slowed down, who is right is not. On the io executor.
class FailedTokens {
  public:
    using Time = std::chrono::steady_clock::time_point;
    /// @return how long the answer to this failure waits
    std::chrono::steady_clock::duration count(const boost::asio::ip::address& from, Time now,
                                              const Limits& limits);

  private:
    struct Minute {
        Time begin;
        std::size_t failures = 0;
    };
    std::map<boost::asio::ip::address, Minute> minutes_;
};

/// A TCP address that we listen on, with the rules for who comes in. Owned by the daemon, outlives the server.
class Door {
  public:
    /// @param certificate  with it every client speaks TLS; outlives the door
    /// @param site         what it serves without a token; outlives the door
    Door(Endpoint endpoint, DoorRules rules, TokenCheck check, const Certificate* certificate = nullptr,
         const Site* site = nullptr);
    Door(const Door&) = delete;

    const Endpoint& endpoint() const noexcept { return endpoint_; }
    const DoorRules& rules() const noexcept { return rules_; }
    const Certificate* certificate() const noexcept { return certificate_; }
    const Site* site() const noexcept { return site_; }
    FailedTokens& failed_tokens() noexcept { return failed_tokens_; }

    /// The rules before the token: peer, Host, Origin, Sec-Fetch-Site.
    /// @return the origin of the page that asks and may, else empty
    /// @throws Error forbidden, invalid_argument
    std::string_view check_origin(const Head& head, const Peer& peer) const;
    /// By `Authorization: Bearer` or `X-Api-Key`. Keys that are none of ours (clients send placeholders) count
    /// as none.
    /// @throws Error token_required
    Admission admit(const Head& head) const;
    /// Whether the client presents a token of ours, right or wrong.
    static bool presents_token(const Head& head);

  private:
    Endpoint endpoint_;
    DoorRules rules_;
    TokenCheck check_;
    const Certificate* certificate_;
    const Site* site_;
    FailedTokens failed_tokens_;
};

/// What our tokens begin with.
constexpr std::string_view token_prefix = "hearth_";

} // namespace hearth::daemon::http
