#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace hearth::cli {

/// What a slash command does, whatever name it was typed by.
enum class Slash { set, show, load, save, clear, file, retry, stats, help, bye };

/// A command of the conversation. Help and completion are made of this table.
struct SlashRow {
    Slash command;
    std::string_view name; ///< with its slash
    std::string_view takes;
    std::string_view summary;
};
std::span<const SlashRow> slash_table() noexcept;

/// What `/set` changes.
struct SettingRow {
    std::string_view name;
    std::string_view takes;
    std::string_view summary;
    std::string_view words; ///< what completion offers, separated by spaces
};
std::span<const SettingRow> setting_table() noexcept;

/// What `/show` shows, in the order of its help.
std::span<const std::string_view> show_topics() noexcept;

/// A line that begins with a slash, understood.
struct SlashCall {
    Slash command;
    std::string argument; ///< the rest of the line, without spaces around it
};

/// @throws Error  usage: no such command, with the nearest as hint
SlashCall parse_slash(std::string_view line);

/// The first word of a text and what follows it, without spaces around either.
std::pair<std::string, std::string> split_word(std::string_view text);

/// What `/help` prints.
std::string slash_help();

} // namespace hearth::cli
