#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

/// Reading the small text files of /proc and /sys.
namespace hearth::runtime::memory {

/// The text, at most 4 MiB; nullopt when it cannot be read.
std::optional<std::string> try_read_text(const std::filesystem::path& file);
/// A whole decimal number, white space around it allowed; nullopt for everything else ("max", "-1").
std::optional<std::uint64_t> try_number(std::string_view text) noexcept;
/// The number that is the only content of a file.
std::optional<std::uint64_t> try_read_number(const std::filesystem::path& file);
/// The first number behind `key` at the start of a line: "MemTotal:  123 kB", "inactive_file 4096".
std::optional<std::uint64_t> try_value(std::string_view text, std::string_view key) noexcept;
/// The next line without its end, removed from `text`.
std::string_view take_line(std::string_view& text) noexcept;

} // namespace hearth::runtime::memory
