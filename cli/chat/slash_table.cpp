#include "cli/chat/slash_table.hpp"

#include "base/error.hpp"
#include "base/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace hearth::cli {
namespace {

constexpr std::array<SlashRow, 10> commands{{
    {Slash::set, "/set", "NAME VALUE", "change a setting; alone: list them"},
    {Slash::show, "/show", "[TOPIC]", "info, system, parameters, template, license, settings"},
    {Slash::file, "/file", "PATH", "a text or a picture for the next question; alone: what is attached"},
    {Slash::retry, "/retry", "", "ask the last question again"},
    {Slash::stats, "/stats", "", "tokens and speed of the last answer"},
    {Slash::clear, "/clear", "", "forget the conversation"},
    {Slash::load, "/load", "MODEL", "talk with another model, from the beginning"},
    {Slash::save, "/save", "NAME", "keep settings and conversation as a model of this name"},
    {Slash::help, "/help", "", "this help"},
    {Slash::bye, "/bye", "", "leave (or Ctrl-D)"},
}};

constexpr std::array<SettingRow, 7> settings{{
    {"system", "TEXT", "instructions for the model; nothing: its own", ""},
    {"parameter", "NAME VALUE", "an option of the model, such as temperature 0.2; no value: the model's own",
     ""},
    {"format", "json|FILE|off", "shape of the answers; FILE holds a JSON Schema", "json off"},
    {"think", "on|off|LEVEL", "think before the answer; LEVEL is low, medium, high or max",
     "on off low medium high max"},
    {"keep-alive", "TIME", "how long the model stays loaded: 5m, 0, -1 (for ever)", "5m 1h 0 -1"},
    {"verbose", "on|off", "tokens and speed after each answer", "on off"},
    {"history", "on|off", "whether what you type is kept for the next time", "on off"},
}};

constexpr std::array<std::string_view, 6> topics{"info",     "system",  "parameters",
                                                 "template", "license", "settings"};

/// Names that other programs taught people's fingers, and what they mean here.
struct Alias {
    std::string_view name;
    Slash command;
    std::string_view argument; ///< before what was typed after it
};
constexpr std::array<Alias, 4> aliases{{{"/?", Slash::help, ""},
                                        {"/exit", Slash::bye, ""},
                                        {"/quit", Slash::bye, ""},
                                        {"/system", Slash::set, "system"}}};

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t\n");
    if (begin == std::string_view::npos) {
        return {};
    }
    return text.substr(begin, text.find_last_not_of(" \t\n") - begin + 1);
}

[[noreturn]] void throw_unknown(const std::string& name) {
    std::vector<std::string_view> names;
    std::ranges::transform(commands, std::back_inserter(names), &SlashRow::name);
    const auto nearest = nearest_name(name, names);
    throw Error(ErrorCode::usage, name + " is not a command",
                nearest ? fmt::format("did you mean: {}", *nearest)
                        : "/help lists them; a question that begins with / goes after a space");
}

} // namespace

std::span<const SlashRow> slash_table() noexcept {
    return commands;
}

std::span<const SettingRow> setting_table() noexcept {
    return settings;
}

std::span<const std::string_view> show_topics() noexcept {
    return topics;
}

std::pair<std::string, std::string> split_word(std::string_view text) {
    text = trimmed(text);
    const std::size_t end = std::min(text.find_first_of(" \t\n"), text.size());
    return {std::string(text.substr(0, end)), std::string(trimmed(text.substr(end)))};
}

SlashCall parse_slash(std::string_view line) {
    auto [name, argument] = split_word(line);
    if (const auto alias = std::ranges::find(aliases, name, &Alias::name); alias != aliases.end()) {
        const std::string_view before = alias->argument;
        return {alias->command, before.empty() ? argument : fmt::format("{} {}", before, argument)};
    }
    const auto row = std::ranges::find(commands, name, &SlashRow::name);
    if (row == commands.end()) {
        throw_unknown(name);
    }
    return {row->command, std::move(argument)};
}

std::string slash_help() {
    std::string text;
    for (const SlashRow& row : commands) {
        text += fmt::format("  {:<17} {}\n", fmt::format("{} {}", row.name, row.takes), row.summary);
    }
    return text + "\n"
                  "  \"\"\"               begins and ends a text of several lines\n"
                  "  \\ at the end      goes on in the next line; so does Alt-Enter\n"
                  "  Tab               completes commands, settings, models and files\n"
                  "  Up, Ctrl-R        what you typed before\n"
                  "  Ctrl-G            write in your editor ($VISUAL, $EDITOR)\n"
                  "  Ctrl-C            stops the answer, clears the line\n";
}

} // namespace hearth::cli
