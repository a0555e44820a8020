#include "cli/backend/backend_id.hpp"

#include "base/error.hpp"

#include <algorithm>

namespace hearth::cli::backend {
namespace {

constexpr std::size_t longest = 64;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

bool is_number(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_digit);
}

/// Takes the text up to the next dot away from the front.
std::string_view take_part(std::string_view& text) {
    const std::size_t end = std::min(text.find('.'), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

/// By value, however many digits there are.
std::weak_ordering compare_numbers(std::string_view a, std::string_view b) {
    a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
    b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
    return a.size() != b.size() ? a.size() <=> b.size() : a.compare(b) <=> 0;
}

/// Numbers by value and below words, words by their letters.
std::weak_ordering compare_parts(std::string_view a, std::string_view b) {
    if (is_number(a) && is_number(b)) {
        return compare_numbers(a, b);
    }
    if (is_number(a) != is_number(b)) {
        return is_number(a) ? std::weak_ordering::less : std::weak_ordering::greater;
    }
    return a.compare(b) <=> 0;
}

/// "1.2" and "1.10"; missing parts are 0.
std::weak_ordering compare_releases(std::string_view a, std::string_view b) {
    while (!a.empty() || !b.empty()) {
        const std::string_view left = take_part(a);
        const std::string_view right = take_part(b);
        const auto order = compare_parts(left.empty() ? "0" : left, right.empty() ? "0" : right);
        if (order != 0) {
            return order;
        }
    }
    return std::weak_ordering::equivalent;
}

/// "rc.1" and "rc.2"; the longer one is later, and none at all is the latest.
std::weak_ordering compare_prereleases(std::string_view a, std::string_view b) {
    if (a.empty() || b.empty()) {
        return a.empty() <=> b.empty();
    }
    while (!a.empty() && !b.empty()) {
        if (const auto order = compare_parts(take_part(a), take_part(b)); order != 0) {
            return order;
        }
    }
    return b.empty() <=> a.empty();
}

std::string_view before(std::string_view text, char mark) {
    return text.substr(0, text.find(mark));
}

std::string_view after(std::string_view text, char mark) {
    const std::size_t at = text.find(mark);
    return at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
}

} // namespace

bool is_version(std::string_view text) noexcept {
    auto allowed = [](char c) {
        return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '+' || c == '-' ||
               c == '_';
    };
    return !text.empty() && text.size() <= longest && is_digit(text.front()) &&
           std::ranges::all_of(text, allowed);
}

bool is_backend_name(std::string_view text) noexcept {
    auto allowed = [](char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '_'; };
    return !text.empty() && text.size() <= longest && std::ranges::all_of(text, allowed);
}

std::weak_ordering compare_versions(std::string_view a, std::string_view b) noexcept {
    a = before(a, '+');
    b = before(b, '+');
    const auto order = compare_releases(before(a, '-'), before(b, '-'));
    return order != 0 ? order : compare_prereleases(after(a, '-'), after(b, '-'));
}

BackendId BackendId::parse(std::string_view text) {
    BackendId id{std::string(before(text, '@')), std::string(after(text, '@'))};
    const bool versioned = text.find('@') != std::string_view::npos;
    if (!is_backend_name(id.name) || (versioned && !is_version(id.version))) {
        throw Error(ErrorCode::usage, "\"" + std::string(text) + "\" is not the name of a backend",
                    "such as cuda or cuda@0.5.0; hearth backend list shows what is here");
    }
    return id;
}

} // namespace hearth::cli::backend
