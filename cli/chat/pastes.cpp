#include "cli/chat/pastes.hpp"

#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hearth::cli {
namespace {

constexpr std::size_t longest_in_line = 1000; // bytes

} // namespace

std::string Pastes::shown(std::string text) {
    const auto lines = std::ranges::count(text, '\n') + 1;
    if (lines == 1 && text.size() <= longest_in_line) {
        return text;
    }
    std::string mark =
        fmt::format("[pasted #{}, {} {}]", kept_.size() + 1, lines, lines == 1 ? "line" : "lines");
    kept_.emplace_back(mark, std::move(text));
    return mark;
}

std::string Pastes::expand(std::string_view line) const {
    std::string result;
    while (!line.empty()) {
        const auto found = std::ranges::find_if(
            kept_, [line](const auto& paste) { return line.starts_with(std::string_view(paste.first)); });
        if (found == kept_.end()) {
            result += line.front();
            line.remove_prefix(1);
        } else {
            result += found->second;
            line.remove_prefix(found->first.size());
        }
    }
    return result;
}

std::string pasted_text(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto c = static_cast<unsigned char>(bytes[i]);
        if (c == '\r') { // terminals send it for every line end
            text += '\n';
            i += i + 1 < bytes.size() && bytes[i + 1] == '\n' ? 1 : 0;
        } else if ((c >= 0x20 && c != 0x7F) || c == '\n' || c == '\t') {
            text += bytes[i];
        }
    }
    while (text.ends_with('\n')) {
        text.pop_back();
    }
    return as_text(text);
}

} // namespace hearth::cli
