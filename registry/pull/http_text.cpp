#include "registry/pull/http_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace hearth::registry {

namespace {

char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](char letter) { return lower(letter); });
    return result;
}

std::string_view without_spaces(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
        text.remove_suffix(1);
    }
    return text;
}

/// One `name=value` or `name="value"` off the front. @return false at the end, or where it is something else
bool take_parameter(std::string_view& text, std::map<std::string, std::string>& parameters) {
    text = without_spaces(text);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0 ||
        text.substr(0, equals).find_first_of(" ,\"") != std::string_view::npos) {
        return false;
    }
    const std::string name = lower(text.substr(0, equals));
    text.remove_prefix(equals + 1);
    std::string value;
    if (text.starts_with('"')) {
        text.remove_prefix(1);
        while (!text.empty() && text.front() != '"') {
            if (text.front() == '\\' && text.size() > 1) {
                text.remove_prefix(1);
            }
            value += text.front();
            text.remove_prefix(1);
        }
        if (text.empty()) {
            return false;
        }
        text.remove_prefix(1);
    } else {
        value = std::string(without_spaces(text.substr(0, text.find(','))));
        text.remove_prefix(std::min(text.find(','), text.size()));
    }
    parameters.emplace(name, std::move(value));
    text = without_spaces(text);
    if (text.starts_with(',')) {
        text.remove_prefix(1);
    }
    return true;
}

} // namespace

std::optional<std::uint64_t> parse_length(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
    constexpr std::string_view unit = "bytes ";
    if (lower(text.substr(0, unit.size())) != unit) {
        return std::nullopt;
    }
    text = without_spaces(text.substr(unit.size()));
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    ContentRange range;
    const std::string_view total = text.substr(slash + 1);
    if (total != "*") {
        range.total = parse_length(total);
        if (!range.total) {
            return std::nullopt;
        }
    }
    const std::string_view span = text.substr(0, slash);
    if (span == "*") {
        return range;
    }
    const std::size_t dash = span.find('-');
    const auto last = dash == std::string_view::npos ? std::nullopt : parse_length(span.substr(dash + 1));
    range.first = parse_length(span.substr(0, dash));
    if (!range.first || !last || *last < *range.first || (range.total && *last >= *range.total)) {
        return std::nullopt;
    }
    return range;
}

std::optional<std::map<std::string, std::string>> parse_bearer_challenge(std::string_view text) {
    const std::string folded = lower(text);
    std::size_t at = folded.find("bearer ");
    while (at != std::string::npos && at != 0 && folded[at - 1] != ' ' && folded[at - 1] != ',') {
        at = folded.find("bearer ", at + 1);
    }
    if (at == std::string::npos) {
        return std::nullopt;
    }
    std::map<std::string, std::string> parameters;
    std::string_view rest = text.substr(at + 7);
    while (take_parameter(rest, parameters)) {
    }
    return parameters;
}

std::string url_encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string result;
    for (const char letter : text) {
        const auto byte = static_cast<unsigned char>(letter);
        const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                           (letter >= '0' && letter <= '9') || letter == '-' || letter == '.' ||
                           letter == '_' || letter == '~';
        if (plain) {
            result += letter;
        } else {
            result += {'%', digits[byte >> 4], digits[byte & 15]};
        }
    }
    return result;
}

std::optional<UrlStart> parse_url_start(std::string_view url) {
    const std::size_t colon = url.find("://");
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    UrlStart start{.scheme = lower(url.substr(0, colon)), .host = {}};
    const std::string_view rest = url.substr(colon + 3);
    start.host = lower(rest.substr(0, rest.find_first_of("/?#")));
    const auto is_plain = [](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') ||
               std::string_view(".-_:[]").find(letter) != std::string_view::npos;
    };
    if (start.host.empty() || !std::ranges::all_of(start.host, is_plain)) {
        return std::nullopt;
    }
    return start;
}

bool is_web_page(std::string_view content_type, std::string_view first_bytes) {
    const std::string type = lower(content_type);
    if (type.starts_with("text/html") || type.starts_with("application/xhtml")) {
        return true;
    }
    const std::string start = lower(first_bytes.substr(0, 64));
    const std::size_t first = start.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) {
        return false;
    }
    const std::string_view text = std::string_view(start).substr(first);
    return text.starts_with("<!doctype") || text.starts_with("<html");
}

} // namespace hearth::registry
