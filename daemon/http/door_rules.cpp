#include "daemon/http/door_rules.hpp"

#include "base/error.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hearth::daemon::http {
namespace {

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : c; });
    return result;
}

/// For error texts: what a client sent, cut.
std::string quoted(std::string_view text) {
    return fmt::format("\"{}\"", text.substr(0, 100));
}

/// Fields that decide who may do what: said twice they could be read in two ways.
void check_said_once(const Head& head) {
    static constexpr std::array<std::string_view, 7> deciding{
        "host", "origin", "sec-fetch-site", "authorization", "x-api-key", "content-type", "referer"};
    for (const std::string_view name : deciding) {
        const auto said =
            std::ranges::count_if(head.fields, [&](const auto& field) { return field.first == name; });
        if (said > 1) {
            throw Error(ErrorCode::invalid_argument, fmt::format("the header {} is there twice", name));
        }
    }
}

struct HostField {
    std::string host; ///< lower case; an IPv6 address in its brackets
    std::string_view port;
};

HostField split_host(std::string_view text) {
    const auto colon = text.find(':', text.starts_with('[') ? std::min(text.find(']'), text.size()) : 0);
    if (colon == std::string_view::npos) {
        return {lower(text), {}};
    }
    // "localhost:" has no port, but is no name either: what follows must not be empty.
    return {lower(text.substr(0, colon)), colon + 1 == text.size() ? ":" : text.substr(colon + 1)};
}

bool is_own_address(std::string_view host, const Endpoint& local) {
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) {
        host = host.substr(1, host.size() - 2);
    }
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(std::string(host), error);
    return !error && address.is_v6() == bracketed && address == local.address();
}

bool is_listed(const std::vector<std::string>& list, std::string_view value) {
    return std::ranges::find(list, value) != list.end();
}

/// A field that only browsers send. Node's fetch sends "Sec-Fetch-Mode: cors" and no other of them.
bool is_browser_field(const std::string& name, const std::string& value) {
    if (name == "sec-fetch-mode") {
        return value != "cors";
    }
    return name == "origin" || name == "referer" || name.starts_with("sec-fetch-");
}

std::string checked_origin(std::string_view text) {
    const auto scheme = text.find("://");
    const std::string_view rest =
        scheme == std::string_view::npos ? std::string_view() : text.substr(scheme + 3);
    const bool plain = rest.find_first_of("/*?# ") == std::string_view::npos;
    if (scheme == 0 || rest.empty() || !plain) {
        throw Error(ErrorCode::invalid_argument, quoted(text) + " is not an origin that can be allowed",
                    "write each as its page has it: https://app.example or http://localhost:3000");
    }
    return lower(text);
}

std::string checked_host(std::string_view text) {
    if (text.empty() || text.find_first_of(":/*?#@[] ") != std::string_view::npos) {
        throw Error(ErrorCode::invalid_argument, quoted(text) + " is not a host name that can be allowed",
                    "write the name alone: host.docker.internal");
    }
    return lower(text);
}

} // namespace

DoorRules checked(DoorRules rules) {
    std::ranges::transform(rules.hosts, rules.hosts.begin(), checked_host);
    std::ranges::transform(rules.origins, rules.origins.begin(), checked_origin);
    return rules;
}

void check_host(const Head& head, const DoorRules& rules, const Endpoint& local) {
    check_said_once(head);
    const std::string_view text = head.field("host");
    if (text.empty()) {
        throw Error(ErrorCode::invalid_argument, "exactly one Host header is required");
    }
    if (rules.pages == Pages::own) {
        if (text != endpoint_text(local)) {
            throw Error(ErrorCode::forbidden, "the Host " + quoted(text) + " is not this page",
                        "hearth open opens it");
        }
        return;
    }
    const auto [host, port] = split_host(text);
    const bool ours = host == "localhost" || host == "127.0.0.1" || host == "[::1]" ||
                      is_own_address(host, local) || is_listed(rules.hosts, host);
    if (!ours || (!port.empty() && port != std::to_string(local.port()))) {
        throw Error(ErrorCode::forbidden, "the Host " + quoted(text) + " is not this service",
                    "use localhost or 127.0.0.1; other names are listed in the setting server.hosts");
    }
}

std::string_view check_origin(const Head& head, const DoorRules& rules, const Endpoint& local) {
    const bool has_origin =
        std::ranges::any_of(head.fields, [](const auto& field) { return field.first == "origin"; });
    if (has_origin) {
        const std::string_view origin = head.field("origin");
        const bool own = rules.pages == Pages::own && origin == "http://" + endpoint_text(local);
        if (!own && !is_listed(rules.origins, origin)) {
            throw Error(ErrorCode::forbidden, "pages of the origin " + quoted(origin) + " may not ask",
                        "origins that may are listed in the setting server.origins");
        }
        if (!own) {
            return origin; // such a page is another site, and may be
        }
    }
    const auto site =
        std::ranges::find_if(head.fields, [](const auto& field) { return field.first == "sec-fetch-site"; });
    if (site != head.fields.end() && site->second != "none" && site->second != "same-origin") {
        throw Error(ErrorCode::forbidden, "pages of another site may not ask",
                    "origins that may are listed in the setting server.origins");
    }
    return {};
}

void check_content_type(const Head& head) {
    if (!head.has_body()) {
        return;
    }
    const std::string_view whole = head.field("content-type");
    std::string type = lower(whole.substr(0, whole.find(';')));
    type.erase(type.find_last_not_of(" \t") + 1);
    const bool json = type == "application/json" || type == "application/x-ndjson" ||
                      (type.starts_with("application/") && type.ends_with("+json"));
    if (json || type == "application/octet-stream") {
        return;
    }
    const bool from_browser = std::ranges::any_of(
        head.fields, [](const auto& field) { return is_browser_field(field.first, field.second); });
    if ((type.empty() || type == "application/x-www-form-urlencoded") && !from_browser) {
        return;
    }
    throw Error(ErrorCode::media_type,
                type.empty() ? "the body's type is not said"
                             : "a body of type " + quoted(type) + " is not taken",
                "send Content-Type: application/json");
}

bool is_preflight(const Head& head) {
    return head.method == "OPTIONS" && !head.field("origin").empty() &&
           !head.field("access-control-request-method").empty();
}

} // namespace hearth::daemon::http
