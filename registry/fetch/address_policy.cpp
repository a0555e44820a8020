#include "registry/fetch/address_policy.hpp"

#include "base/error.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace hearth::registry::fetch {

namespace {

struct Network {
    std::uint32_t address;
    unsigned bits;
    AddressClass kind;
};

/// IANA special-purpose registry, the rows that could reach something of this machine or its network.
/// 198.18.0.0/15 is missing on purpose: proxies that work by DNS hand out addresses from it for every public
/// name.
constexpr std::array<Network, 11> special_networks = {{
    {0x00000000, 8, AddressClass::forbidden},        // "this" network
    {0x0A000000, 8, AddressClass::private_network},  // 10/8
    {0x64400000, 10, AddressClass::private_network}, // 100.64/10
    {0x7F000000, 8, AddressClass::loopback},         // 127/8
    {0xA9FE0000, 16, AddressClass::forbidden},       // 169.254/16, metadata services
    {0xAC100000, 12, AddressClass::private_network}, // 172.16/12
    {0xC0000000, 24, AddressClass::forbidden},       // 192.0.0/24
    {0xC0A80000, 16, AddressClass::private_network}, // 192.168/16
    {0xE0000000, 4, AddressClass::forbidden},        // multicast
    {0xF0000000, 4, AddressClass::forbidden},        // reserved, broadcast
    {0xC0586300, 24, AddressClass::forbidden},       // 192.88.99/24, 6to4 relay
}};

AddressClass classify_v4(std::uint32_t address) {
    for (const Network& network : special_networks) {
        if (((address ^ network.address) >> (32 - network.bits)) == 0) {
            return network.kind;
        }
    }
    return AddressClass::global;
}

std::uint32_t word_at(const in6_addr& address, std::size_t offset) {
    std::uint32_t word = 0;
    std::memcpy(&word, address.s6_addr + offset, sizeof word);
    return ntohl(word);
}

AddressClass classify_v6(const in6_addr& address) {
    const std::uint32_t first = word_at(address, 0);
    const bool zeros_to_word_2 = first == 0 && word_at(address, 4) == 0;
    if (zeros_to_word_2 && word_at(address, 8) == 0) { // ::, ::1, and the old IPv4-compatible form
        return word_at(address, 12) == 1 ? AddressClass::loopback : AddressClass::forbidden;
    }
    if (zeros_to_word_2 && word_at(address, 8) == 0x0000FFFF) { // ::ffff:a.b.c.d
        return classify_v4(word_at(address, 12));
    }
    if (first == 0x0064FF9B) { // NAT64
        return classify_v4(word_at(address, 12));
    }
    if (first >> 16 == 0x2002) { // 6to4
        return classify_v4(word_at(address, 2));
    }
    if (first >> 25 == 0xFC >> 1) { // fc00::/7
        return AddressClass::private_network;
    }
    const bool link_or_site_local = first >> 22 == 0xFE80 >> 6 || first >> 22 == 0xFEC0 >> 6;
    const bool multicast = first >> 24 == 0xFF;
    return link_or_site_local || multicast ? AddressClass::forbidden : AddressClass::global;
}

Error refused(const Url& url, const std::string& why, std::string hint = {}) {
    return Error(ErrorCode::network_forbidden, url.display() + ": " + why, std::move(hint));
}

} // namespace

AddressClass classify(const sockaddr& address) {
    if (address.sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &address, sizeof v4);
        return classify_v4(ntohl(v4.sin_addr.s_addr));
    }
    if (address.sa_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &address, sizeof v6);
        return classify_v6(v6.sin6_addr);
    }
    return AddressClass::forbidden;
}

std::optional<AddressClass> classify_host(const std::string& host) {
    in_addr v4{};
    in6_addr v6{};
    std::string name = host.substr(0, host.find('%')); // an IPv6 zone
    if (inet_pton(AF_INET6, name.c_str(), &v6) == 1) {
        return classify_v6(v6);
    }
    if (!name.empty() && name.back() == '.') {
        name.pop_back();
    }
    if (inet_aton(name.c_str(), &v4) == 1) {
        return classify_v4(ntohl(v4.s_addr));
    }
    if (name == "localhost" || name.ends_with(".localhost")) {
        return AddressClass::loopback;
    }
    return std::nullopt;
}

AddressPolicy::AddressPolicy(const Url& first, Reach reach, bool insecure)
    : first_host_(first.host), first_is_loopback_(classify_host(first.host) == AddressClass::loopback),
      reach_(reach), insecure_(insecure && reach == Reach::named_host) {}

void AddressPolicy::check(const Url& url, const Url* previous) const {
    const auto kind = classify_host(url.host);
    const bool loopback = kind == AddressClass::loopback;
    if (kind == AddressClass::forbidden) {
        throw refused(url, "link-local, multicast and reserved addresses are never fetched from");
    }
    const bool from_loopback = previous == nullptr || classify_host(previous->host) == AddressClass::loopback;
    if (loopback && !(reach_ == Reach::named_host && first_is_loopback_ && from_loopback)) {
        throw refused(url, "a server may not send a download to this machine's own addresses");
    }
    if (kind == AddressClass::private_network && !(reach_ == Reach::named_host && is_first_host(url))) {
        throw refused(url, "a server may not send a download to a private address");
    }
    if (url.scheme == "http" && !loopback && !(insecure_ && is_first_host(url))) {
        throw refused(url, "plain http is for loopback hosts",
                      "use https, or \"insecure\": true for a registry you trust");
    }
}

bool AddressPolicy::allows(const Url& url, AddressClass address) const {
    const auto written = classify_host(url.host);
    switch (address) {
    case AddressClass::global:
        return written != AddressClass::loopback;
    case AddressClass::loopback:
        return written == AddressClass::loopback;
    case AddressClass::private_network:
        return written == AddressClass::private_network || (insecure_ && is_first_host(url));
    case AddressClass::forbidden:
        return false;
    }
    return false;
}

std::string AddressPolicy::pool_key(const Url& url) const {
    return url.origin() + (insecure_ && is_first_host(url) ? " insecure" : "");
}

} // namespace hearth::registry::fetch
