#pragma once

#include "registry/fetch/url.hpp"
#include "registry/pull/fetch_request.hpp"

#include <optional>
#include <string>

struct sockaddr;

namespace hearth::registry::fetch {

enum class AddressClass {
    global,
    loopback,
    private_network, ///< RFC 1918, carrier-grade NAT, unique local
    forbidden        ///< link-local (cloud metadata), unspecified, multicast, reserved: never a registry
};

/// Class of an IPv4 or IPv6 address; IPv4 inside IPv6 (mapped, NAT64, 6to4) counts as the IPv4 address.
AddressClass classify(const sockaddr& address);
/// The same for a host that is written as an address, or is `localhost` or below it. nullopt: a name.
std::optional<AddressClass> classify_host(const std::string& host);

/// Where one transfer may go: SSRF and DNS rebinding stop here (security reference 2; CVE-2026-5530). A value
/// per transfer.
class AddressPolicy {
  public:
    AddressPolicy(const Url& first, Reach reach, bool insecure);

    /// Checks a URL before anything is resolved. `previous` is the hop that redirected here, null for the
    /// first.
    /// @throws Error  network_forbidden, with the host
    void check(const Url& url, const Url* previous) const;
    /// Whether `url`'s host may turn out to have such an address: asked for every connection.
    bool allows(const Url& url, AddressClass address) const;
    /// Connections made under one key may be used again under the same key only: reuse skips `allows`.
    std::string pool_key(const Url& url) const;

  private:
    bool is_first_host(const Url& url) const { return url.host == first_host_; }

    std::string first_host_;
    bool first_is_loopback_;
    Reach reach_;
    bool insecure_;
};

} // namespace hearth::registry::fetch
