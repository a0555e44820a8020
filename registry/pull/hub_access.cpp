#include "registry/pull/hub_access.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "registry/host.hpp"
#include "registry/pull/http_text.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>

namespace hearth::registry {

namespace {

constexpr std::uint64_t longest_token_file = 4096;

std::string variable(const char* name) {
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nothing sets variables
    return value == nullptr ? std::string() : std::string(value);
}

std::string first_set(std::initializer_list<const char*> names) {
    for (const char* name : names) {
        if (std::string value = variable(name); !value.empty()) {
            return value;
        }
    }
    return {};
}

std::string find_token_file() {
    if (std::string path = variable("HF_TOKEN_PATH"); !path.empty()) {
        return path;
    }
    if (const std::string home = variable("HF_HOME"); !home.empty()) {
        return home + "/token";
    }
    if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty()) {
        return cache + "/huggingface/token";
    }
    const std::string home = variable("HOME");
    return home.empty() ? home : home + "/.cache/huggingface/token";
}

/// Tokens are one printable word; anything else could not stand in a header.
std::string as_token(std::string text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) {
        return {};
    }
    text = text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
    const bool printable = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
    return printable ? text : std::string();
}

/// Without slashes at the end. A token must not cross a network in the clear.
std::string checked_endpoint(std::string text) {
    while (text.ends_with('/')) {
        text.pop_back();
    }
    const auto start = parse_url_start(text);
    const bool right =
        start && text.find_first_of("?#") == std::string::npos &&
        (start->scheme == "https" || (start->scheme == "http" && is_loopback_host(start->host)));
    if (!right) {
        throw Error(ErrorCode::invalid_argument, "HF_ENDPOINT is not the https address of a Hub",
                    "HF_ENDPOINT=https://huggingface.co; plain http is for this machine only");
    }
    return text;
}

} // namespace

HubAccess HubAccess::from_environment() {
    HubAccess access;
    if (std::string endpoint = variable("HF_ENDPOINT"); !endpoint.empty()) {
        access.endpoint = checked_endpoint(std::move(endpoint));
    }
    access.token = as_token(first_set({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}));
    access.token_file = find_token_file();
    return access;
}

std::string HubAccess::authorization() const {
    std::string found = token;
    std::error_code none;
    if (found.empty() && !token_file.empty() && std::filesystem::is_regular_file(token_file, none)) {
        try {
            found = as_token(read_file(token_file, longest_token_file));
        } catch (const Error&) { // unreadable: as if there were none; the Hub will say what it wants
        }
    }
    return found.empty() ? found : "Bearer " + found;
}

} // namespace hearth::registry
