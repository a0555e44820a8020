#include "registry/fetch/proxy.hpp"

#include "registry/fetch/address_policy.hpp"

#include <cstdlib>
#include <initializer_list>
#include <string_view>

namespace hearth::registry::fetch {

namespace {

std::string first_set(std::initializer_list<const char*> names) {
    for (const char* name : names) {
        const char* value = std::getenv(name);
        if (value != nullptr && *value != '\0') {
            return value;
        }
    }
    return {};
}

/// `example.com`, `.example.com` and `*` match as in curl: the name itself and everything below it.
bool matches(std::string_view host, std::string_view pattern) {
    if (pattern == "*") {
        return true;
    }
    if (pattern.starts_with('.')) {
        pattern.remove_prefix(1);
    }
    if (pattern.empty() || !host.ends_with(pattern)) {
        return false;
    }
    return host.size() == pattern.size() || host[host.size() - pattern.size() - 1] == '.';
}

bool is_exempt(std::string_view host, std::string_view list) {
    while (!list.empty()) {
        const std::size_t end = list.find_first_of(", ");
        if (matches(host, list.substr(0, end))) {
            return true;
        }
        list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
    }
    return false;
}

} // namespace

std::string proxy_for(const Url& url) {
    if (classify_host(url.host) == AddressClass::loopback ||
        is_exempt(url.host, first_set({"no_proxy", "NO_PROXY"}))) {
        return {};
    }
    if (url.scheme == "https") {
        return first_set({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"});
    }
    return first_set({"http_proxy", "all_proxy",
                      "ALL_PROXY"}); // HTTP_PROXY can be set by a CGI request: curl ignores it too
}

} // namespace hearth::registry::fetch
