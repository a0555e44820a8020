#include "cli/chat/completion.hpp"

#include "cli/chat/paths.hpp"
#include "cli/chat/settings.hpp"
#include "cli/chat/slash_table.hpp"
#include "cli/terminal.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>

namespace hearth::cli {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

/// What `typed` may become, and whether a space follows the only one.
struct Offer {
    std::string typed;
    Words words;
    bool space = true;
};

Words texts(std::span<const std::string_view> names) {
    return {names.begin(), names.end()};
}

template <class Rows> Words names_of(const Rows& rows) {
    Words names;
    for (const auto& row : rows) {
        names.emplace_back(row.name);
    }
    return names;
}

Words split(std::string_view words) {
    std::istringstream stream{std::string(words)};
    Words result;
    for (std::string word; stream >> word;) {
        result.push_back(word);
    }
    return result;
}

/// Paths as they are typed: "~/no" offers "~/notes.txt", folders end with a slash, hidden files need their dot. A name that is
/// not UTF-8 cannot be typed, and is not offered.
Words paths_like(const std::string& typed) {
    const std::size_t begin = typed.rfind('/') + 1; // npos + 1 is 0
    const std::string folder = typed.substr(0, begin);
    Words words;
    std::error_code failure;
    const fs::path where = folder.empty() ? fs::path(".") : from_home(folder);
    for (fs::directory_iterator entry(where, failure), end; !failure && entry != end;
         entry.increment(failure)) {
        const std::string name = entry->path().filename().string();
        if (!is_text(name) || (name.starts_with('.') && !typed.substr(begin).starts_with('.'))) {
            continue;
        }
        std::error_code ignored;
        words.push_back(folder + name + (entry->is_directory(ignored) ? "/" : ""));
    }
    return words;
}

Offer offer_setting(const std::string& rest) {
    const std::size_t space = rest.find(' ');
    if (space == std::string::npos) {
        return {rest, names_of(setting_table())};
    }
    const std::string name = rest.substr(0, space);
    const std::string value = rest.substr(space + 1);
    const auto row = std::ranges::find(setting_table(), name, &SettingRow::name);
    if (row == setting_table().end() || (name != "format" && value.find(' ') != std::string::npos)) {
        return {};
    }
    if (name == "parameter") {
        return {value, texts(parameter_names())};
    }
    Offer offer{value, split(row->words), false};
    if (name == "format") {
        const Words files = paths_like(value);
        offer.words.insert(offer.words.end(), files.begin(), files.end());
    }
    return offer;
}

Offer offer_for(std::string_view before, const std::function<Words()>& models) {
    const std::size_t space = before.find(' ');
    if (space == std::string_view::npos) {
        return {std::string(before), names_of(slash_table())};
    }
    const std::string_view command = before.substr(0, space);
    const std::string rest(before.substr(std::min(before.find_first_not_of(' ', space), before.size())));
    if (command == "/set") {
        return offer_setting(rest);
    }
    if (command == "/show") {
        return {rest, texts(show_topics()), false};
    }
    if (command == "/load") {
        return {rest, models(), false};
    }
    if (command == "/file") {
        return {rest, paths_like(rest), false};
    }
    return {};
}

/// What all words begin with; never half of a character. @param least  bytes that they are known to share
std::string common_beginning(const Words& words, std::size_t least) {
    std::string common = words.front();
    for (const std::string& word : words) {
        const auto differ = std::ranges::mismatch(common, word);
        common.erase(differ.in1, common.end());
    }
    while (common.size() > least && common.size() < words.front().size() &&
           (static_cast<unsigned char>(words.front()[common.size()]) & 0xC0) == 0x80) {
        common.pop_back();
    }
    return common;
}

} // namespace

Completion complete_line(std::string_view before, const std::function<Words()>& models) {
    if (!before.starts_with('/')) {
        return {};
    }
    Offer offer = offer_for(before, models);
    std::erase_if(offer.words, [&](const std::string& word) { return !word.starts_with(offer.typed); });
    if (offer.words.empty()) {
        return {};
    }
    std::ranges::sort(offer.words);
    const bool only = offer.words.size() == 1;
    std::string insert = common_beginning(offer.words, offer.typed.size()).substr(offer.typed.size());
    insert += only && offer.space ? " " : "";
    return {std::move(insert), std::move(offer.words)};
}

} // namespace hearth::cli
