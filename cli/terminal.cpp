#include "cli/terminal.hpp"

#include <algorithm>
#include <cstdlib>
#include <cwchar>
#include <sys/ioctl.h>
#include <unistd.h>

namespace hearth::cli {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr std::string_view ellipsis = "\xE2\x80\xA6";

/// What the second byte of a character may be, by its first: no longer form than needed, no surrogate, nothing above U+10FFFF.
bool is_second_byte(unsigned char first, unsigned char second) {
    const unsigned least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const unsigned most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    return second >= least && second <= most;
}

/// Length in bytes of the character at the front; 1 for what is not UTF-8.
std::size_t character_length(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t length = first > 0xF4    ? 1
                               : first >= 0xF0 ? 4
                               : first >= 0xE0 ? 3
                               : first >= 0xC2 ? 2
                                               : 1;
    if (length > text.size() || (length > 1 && !is_second_byte(first, static_cast<unsigned char>(text[1])))) {
        return 1;
    }
    for (std::size_t i = 2; i < length; ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
            return 1;
        }
    }
    return length;
}

bool is_invalid(std::string_view character) {
    return character.size() == 1 && static_cast<unsigned char>(character.front()) >= 0x80;
}

wchar_t code_point(std::string_view character) {
    const auto first = static_cast<unsigned char>(character.front());
    if (character.size() == 1) {
        return static_cast<wchar_t>(first);
    }
    unsigned value = first & (0xFFu >> (character.size() + 1));
    for (const char c : character.substr(1)) {
        value = value << 6 | (static_cast<unsigned char>(c) & 0x3Fu);
    }
    return static_cast<wchar_t>(value);
}

std::size_t character_width(std::string_view character) {
    return static_cast<std::size_t>(
        std::max(::wcwidth(code_point(character)), character.size() == 1 ? 1 : 0));
}

bool is_control(std::string_view character) {
    const auto value = static_cast<char32_t>(code_point(character));
    return value < 0x20 || value == 0x7F || (character.size() > 1 && value < 0xA0);
}

std::string replace_controls(std::string_view text, bool keep_layout) {
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const std::string_view character = text.substr(0, character_length(text));
        const bool layout = character == "\n" || character == "\t";
        if (layout) {
            result += keep_layout ? character.front() : ' ';
        } else {
            result.append(is_control(character) || is_invalid(character) ? replacement : character);
        }
        text.remove_prefix(character.size());
    }
    return result;
}

} // namespace

bool is_terminal(int fd) noexcept {
    return ::isatty(fd) == 1;
}

bool has_color() noexcept {
    const char* wish = std::getenv("NO_COLOR");
    return is_terminal(STDOUT_FILENO) && (wish == nullptr || *wish == '\0');
}

std::size_t terminal_width(int fd) noexcept {
    winsize size{};
    return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string printable(std::string_view text) {
    return replace_controls(text, true);
}

std::string printable_line(std::string_view text) {
    return replace_controls(text, false);
}

bool is_text(std::string_view text) noexcept {
    while (!text.empty()) {
        const std::string_view character = text.substr(0, character_length(text));
        if (character.front() == '\0' || is_invalid(character)) {
            return false;
        }
        text.remove_prefix(character.size());
    }
    return true;
}

std::string as_text(std::string_view bytes) {
    std::string result;
    result.reserve(bytes.size());
    while (!bytes.empty()) {
        const std::string_view character = bytes.substr(0, character_length(bytes));
        result.append(is_invalid(character) ? replacement : character);
        bytes.remove_prefix(character.size());
    }
    return result;
}

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
        const std::string_view character = text.substr(0, character_length(text));
        width += character_width(character);
        text.remove_prefix(character.size());
    }
    return width;
}

std::string elide(std::string_view text, std::size_t width) {
    if (display_width(text) <= width) {
        return std::string(text);
    }
    std::string result;
    std::size_t used = 1; // the ellipsis
    while (!text.empty()) {
        const std::string_view character = text.substr(0, character_length(text));
        used += character_width(character);
        if (used > width) {
            break;
        }
        result.append(character);
        text.remove_prefix(character.size());
    }
    return width == 0 ? std::string() : result.append(ellipsis);
}

} // namespace hearth::cli
