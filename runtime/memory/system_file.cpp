#include "runtime/memory/system_file.hpp"

#include <charconv>
#include <fstream>
#include <iterator>

namespace hearth::runtime::memory {

namespace {

constexpr std::size_t most_bytes = 4u << 20;
constexpr std::string_view space = " \t\n\r";

} // namespace

std::optional<std::string> try_read_text(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        return std::nullopt;
    }
    std::string text; // the size of such a file is not known before it is read
    char block[4096];
    while (text.size() < most_bytes && (in.read(block, sizeof block), in.gcount() > 0)) {
        text.append(block, static_cast<std::size_t>(in.gcount()));
    }
    return in.bad() ? std::nullopt : std::optional(std::move(text));
}

std::optional<std::uint64_t> try_number(std::string_view text) noexcept {
    const auto first = text.find_first_not_of(space);
    const auto last = text.find_last_not_of(space);
    if (first == std::string_view::npos) {
        return std::nullopt;
    }
    text = text.substr(first, last - first + 1);
    std::uint64_t number = 0;
    const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failure == std::errc() && rest == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::optional<std::uint64_t> try_read_number(const std::filesystem::path& file) {
    const auto text = try_read_text(file);
    return text ? try_number(*text) : std::nullopt;
}

std::optional<std::uint64_t> try_value(std::string_view text, std::string_view key) noexcept {
    while (!text.empty()) {
        std::string_view line = take_line(text);
        if (!line.starts_with(key) || line.size() == key.size() ||
            space.find(line[key.size()]) == std::string_view::npos) {
            continue;
        }
        line.remove_prefix(key.size());
        const auto first = line.find_first_not_of(space);
        line.remove_prefix(first == std::string_view::npos ? line.size() : first);
        return try_number(line.substr(0, line.find_first_of(space)));
    }
    return std::nullopt;
}

std::string_view take_line(std::string_view& text) noexcept {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

} // namespace hearth::runtime::memory
