#include "base/json_order.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

namespace hearth {
namespace {

constexpr std::string_view spaces = " \t\n\r";

/// Behind the closing quote of the string that begins at `at`.
std::size_t end_of_string(std::string_view text, std::size_t at) {
    for (++at; at < text.size() && text[at] != '"'; ++at) {
        at += text[at] == '\\' ? 1 : 0;
    }
    return std::min(at + 1, text.size());
}

/// Behind the value that begins at `at`.
std::size_t end_of_value(std::string_view text, std::size_t at) {
    if (text[at] != '"' && text[at] != '{' && text[at] != '[') {
        return std::min(text.find_first_of(",]} \t\n\r", at), text.size());
    }
    std::size_t open = 0;
    do {
        const char c = text[at];
        open += c == '{' || c == '[' ? 1 : 0;
        open -= c == '}' || c == ']' ? 1 : 0;
        at = c == '"' ? end_of_string(text, at) : at + 1;
    } while (open > 0 && at < text.size());
    return at;
}

/// Calls `take(key, value)` for every member or element, each as it is written (an element has no key), while
/// it returns true.
template <class Take> void for_each_part(std::string_view text, const Take& take) {
    std::size_t at = std::min(text.find_first_of("{["), text.size() - 1);
    const bool object = text[at] == '{';
    ++at;
    while (true) {
        at = text.find_first_not_of(" \t\n\r,", at);
        if (at == std::string_view::npos || text[at] == '}' || text[at] == ']') {
            return;
        }
        std::string_view key;
        if (object) {
            key = text.substr(at, end_of_string(text, at) - at);
            at = std::min(text.find_first_not_of(" \t\n\r:", at + key.size()), text.size() - 1);
        }
        const std::size_t end = end_of_value(text, at);
        if (!take(key, text.substr(at, end - at))) {
            return;
        }
        at = end;
    }
}

bool is_key(std::string_view quoted, std::string_view name) {
    if (quoted.find('\\') != std::string_view::npos) {
        return Json::parse(quoted) == name;
    }
    return quoted.substr(1, quoted.size() - 2) == name;
}

std::string compact(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text[at] == '"' ? end_of_string(text, at) : at + 1;
        const std::string_view token = text.substr(at, end - at);
        if (token.find('\\') != std::string_view::npos) {
            result += to_text(Json::parse(token));
        } else if (spaces.find(token.front()) == std::string_view::npos) {
            result += token;
        }
        at = end;
    }
    return result;
}

} // namespace

// JSON from outside holds no binary values, so that one of them can stand for a text.
Json ordered_object(std::string_view text) {
    text = text.substr(text.find('{'));           // behind spaces or a byte order mark
    text = text.substr(0, end_of_value(text, 0)); // the parser reads nothing behind a NUL
    const std::string kept = compact(text);
    return Json::binary({kept.begin(), kept.end()});
}

bool is_ordered(const Json& value) {
    return value.is_binary();
}

bool is_any_object(const Json& value) {
    return value.is_object() || is_ordered(value);
}

void keep_order(Json& value, std::string_view text, std::string_view path) {
    if (path.empty()) {
        if (value.is_object()) {
            value = ordered_object(text);
        }
        return;
    }
    const std::string_view name = path.substr(0, path.find('/'));
    const std::string_view rest = path.substr(std::min(name.size() + 1, path.size()));
    if (name == "*" && value.is_array()) {
        auto element = value.begin();
        for_each_part(text, [&](std::string_view, std::string_view part) {
            keep_order(*element++, part, rest);
            return true;
        });
    } else if (value.is_object() && value.contains(name)) {
        for_each_part(text, [&](std::string_view key, std::string_view part) {
            const bool found = is_key(key, name);
            if (found) {
                keep_order(value[name], part, rest);
            }
            return !found;
        });
    }
}

} // namespace hearth
