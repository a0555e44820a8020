#include "registry/fetch/url.hpp"

#include "base/error.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

namespace hearth::registry::fetch {

namespace {

struct UrlDeleter {
    void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};
using UrlHandle = std::unique_ptr<CURLU, UrlDeleter>;

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url, which, &text, flags) != CURLUE_OK || text == nullptr) {
        return {};
    }
    const std::unique_ptr<char, decltype(&curl_free)> owner(text, curl_free);
    return text;
}

Url take_apart(CURLU* handle) {
    Url url;
    url.scheme = part(handle, CURLUPART_SCHEME);
    if (url.scheme != "https" && url.scheme != "http") {
        throw Error(ErrorCode::network_forbidden, "only https is fetched, not \"" + url.scheme + "\"");
    }
    if (!part(handle, CURLUPART_USER).empty() || !part(handle, CURLUPART_PASSWORD).empty()) {
        throw Error(ErrorCode::network_forbidden, "a URL with a user name or password in it is not fetched");
    }
    url.host = part(handle, CURLUPART_HOST);
    std::transform(url.host.begin(), url.host.end(), url.host.begin(), [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
    });
    if (url.host.size() > 2 && url.host.front() == '[') {
        url.host = url.host.substr(1, url.host.size() - 2);
    }
    url.port = part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    curl_url_set(handle, CURLUPART_FRAGMENT, nullptr, 0);
    url.text = part(handle, CURLUPART_URL);
    if (url.host.empty() || url.text.empty()) {
        throw Error(ErrorCode::network_forbidden, "the URL names no host");
    }
    return url;
}

void set_url(CURLU* handle, const std::string& text) {
    if (curl_url_set(handle, CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
        throw Error(ErrorCode::network_forbidden, "not a URL that can be fetched");
    }
}

} // namespace

std::string Url::display() const {
    const bool own_port = (scheme == "https" && port == "443") || (scheme == "http" && port == "80");
    const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return own_port ? name : name + ":" + port;
}

Url parse_url(const std::string& text) {
    const UrlHandle handle(curl_url());
    set_url(handle.get(), text);
    return take_apart(handle.get());
}

Url resolve_url(const Url& base, const std::string& location) {
    const UrlHandle handle(curl_url());
    set_url(handle.get(), base.text);
    set_url(handle.get(), location); // relative to what is there
    return take_apart(handle.get());
}

} // namespace hearth::registry::fetch
