#pragma once

#include <string>
#include <string_view>

/// One line per event on stderr: `<time> <level> <room>: text`. Under systemd (JOURNAL_STREAM) the line
/// starts with `<N>` priority instead. Never a prompt, an answer, a token or a query string of a URL. Any
/// thread; a line is one write(2).
namespace hearth::log {

enum class Level { debug, info, warning, error };

/// Lines below this level are dropped. HEARTH_LOG=debug|info|warning|error sets it at start
/// (`init_from_environment`).
void set_level(Level level) noexcept;
void init_from_environment() noexcept;

void write(Level level, std::string_view room, std::string_view text) noexcept;
inline void debug(std::string_view room, const std::string& text) noexcept {
    write(Level::debug, room, text);
}
inline void info(std::string_view room, const std::string& text) noexcept {
    write(Level::info, room, text);
}
inline void warning(std::string_view room, const std::string& text) noexcept {
    write(Level::warning, room, text);
}
inline void error(std::string_view room, const std::string& text) noexcept {
    write(Level::error, room, text);
}

} // namespace hearth::log
