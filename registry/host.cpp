#include "registry/host.hpp"

#include "registry/name_text.hpp"

#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <netinet/in.h>
#include <optional>

namespace hearth::registry {
namespace {

using name_text::is_alphanumeric;
using name_text::is_digit;
using name_text::lower_case;
using name_text::split;

constexpr std::size_t longest_host = 255;

/// A port without sign or leading zeros, so that one host has one spelling.
bool is_port(std::string_view text) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && end == text.data() + text.size() && is_digit(text[0]) && text[0] != '0' &&
           port <= 65535;
}

std::optional<std::string> canonical_ipv6(std::string_view text) {
    in6_addr address{};
    std::array<char, INET6_ADDRSTRLEN> out{};
    if (inet_pton(AF_INET6, std::string(text).c_str(), &address) != 1)
        return std::nullopt;
    inet_ntop(AF_INET6, &address, out.data(), out.size());
    return std::string(out.data());
}

bool is_ipv4(const std::string& text) {
    in_addr address{};
    return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

bool is_dns_label(std::string_view label) {
    const auto allowed = [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; };
    return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
           std::ranges::all_of(label, allowed);
}

/// Resolvers read `0x7f.1`, `127.1` and `2130706433` as addresses; here only the plain dotted form is one.
bool looks_like_odd_number(std::string_view last_label) {
    return std::ranges::all_of(last_label, is_digit) || last_label.starts_with("0x") ||
           last_label.starts_with("0X");
}

} // namespace

std::expected<std::string, std::string> canonical_host(std::string_view text) {
    if (text.size() > longest_host)
        return std::unexpected("the host is too long");
    std::string_view name = text;
    std::string_view port;
    const std::size_t colon = text.starts_with('[') ? text.find("]:") : text.find(':');
    if (colon != std::string_view::npos) {
        const std::size_t port_at = colon + (text.starts_with('[') ? 2 : 1);
        name = text.substr(0, port_at - 1);
        port = text.substr(port_at);
        if (!is_port(port))
            return std::unexpected("the port is not 1 to 65535");
    }
    std::string host;
    if (name.starts_with('[')) {
        const auto address =
            name.ends_with(']') ? canonical_ipv6(name.substr(1, name.size() - 2)) : std::nullopt;
        if (!address)
            return std::unexpected("the host is not an IPv6 address");
        host = "[" + *address + "]";
    } else {
        host = lower_case(name);
        const auto labels = split(host, '.');
        if (!std::ranges::all_of(labels, is_dns_label) ||
            (looks_like_odd_number(labels.back()) && !is_ipv4(host)))
            return std::unexpected("the host is neither a domain name nor an IP address");
    }
    return port.empty() ? host : host + ":" + std::string(port);
}

bool is_loopback_host(std::string_view host) {
    if (host.starts_with("[::1]"))
        return host.size() == 5 || host[5] == ':';
    const std::string name = lower_case(host.substr(0, host.find(':')));
    return name == "localhost" || name.ends_with(".localhost") || (name.starts_with("127.") && is_ipv4(name));
}

} // namespace hearth::registry
