#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

/// Pieces of HTTP that a registry client reads and writes. Pure functions over text from outside.
namespace hearth::registry {

/// `bytes 100-199/200`, `bytes 100-199/*`, `bytes */200`.
struct ContentRange {
    std::optional<std::uint64_t> first; ///< absent in the `*/N` of a 416
    std::optional<std::uint64_t> total;
};
std::optional<ContentRange> parse_content_range(std::string_view text);

/// A Content-Length; nullopt for anything but digits.
std::optional<std::uint64_t> parse_length(std::string_view text);

/// The parameters of the Bearer challenge in a WWW-Authenticate header (names in lower case); nullopt when
/// there is none.
std::optional<std::map<std::string, std::string>> parse_bearer_challenge(std::string_view text);

/// Percent-encodes everything but unreserved characters.
std::string url_encode(std::string_view text);

/// Scheme and authority of a URL, taken apart without tolerance: "https", "host[:port]". nullopt for a user
/// name, an empty host, or a character that parsers disagree about. Whether the host may be reached is judged
/// by hearth-fetch.
struct UrlStart {
    std::string scheme;
    std::string host; ///< with its port, lower case
};
std::optional<UrlStart> parse_url_start(std::string_view url);

/// True when a body cannot be what was asked for because it is a web page: a captive portal, a proxy's error,
/// a login.
bool is_web_page(std::string_view content_type, std::string_view first_bytes);

} // namespace hearth::registry
