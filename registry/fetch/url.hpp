#pragma once

#include <string>
#include <string_view>

namespace hearth::registry::fetch {

/// A URL that curl's own parser took apart, so that what is checked is what is connected to: host in lower
/// case, IPv4 in any notation (decimal, octal, hexadecimal) as dotted quad, IPv6 without brackets, port
/// always there.
struct Url {
    std::string text;
    std::string scheme; ///< "https" or "http"
    std::string host;
    std::string port;

    /// "https://host:443": what credentials and pooled connections belong to.
    std::string origin() const { return scheme + "://" + host + ":" + port; }
    /// For messages: host, and the port unless it is the scheme's own. Never path or query, which may be
    /// signed.
    std::string display() const;
};

/// @throws Error  network_forbidden: another scheme, a user or password in the URL, no host, not a URL
Url parse_url(const std::string& text);

/// The target of a Location header seen in an answer of `base`. @throws Error as parse_url
Url resolve_url(const Url& base, const std::string& location);

} // namespace hearth::registry::fetch
