#include "tray/model/mnemonics.hpp"

namespace hearth::tray {
namespace {

std::string double_all(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        escaped.append(c == '_' ? 2 : 1, c);
    }
    return escaped;
}

/// What the extension would drop is the first underscore that something else follows: it gets one more.
std::string double_first(std::string_view text) {
    std::string escaped(text);
    for (std::size_t at = 0; at + 1 < text.size(); ++at) {
        if (text[at] == '_' && text[at + 1] != '_') {
            escaped.insert(at, 1, '_');
            break;
        }
    }
    return escaped;
}

} // namespace

std::string escape_underscores(std::string_view text, UnderscoreRule rule) {
    return rule == UnderscoreRule::doubled ? double_all(text) : double_first(text);
}

} // namespace hearth::tray
