// parse_bytes and format_bytes of base/config.hpp, apart from the TOML reader: every program prints sizes.
#include "base/config.hpp"
#include "base/error.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

namespace hearth {
namespace {

struct ByteUnit {
    std::string_view name; // lower case
    double bytes;
};
// A bare letter is binary, as in systemd and Docker; "GB" is what disks and registries print.
constexpr std::array<ByteUnit, 14> byte_units{{
    {"", 1},
    {"b", 1},
    {"k", 1024.0},
    {"kib", 1024.0},
    {"kb", 1e3},
    {"m", 1048576.0},
    {"mib", 1048576.0},
    {"mb", 1e6},
    {"g", 1073741824.0},
    {"gib", 1073741824.0},
    {"gb", 1e9},
    {"t", 1099511627776.0},
    {"tib", 1099511627776.0},
    {"tb", 1e12},
}};

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return result;
}

} // namespace

std::uint64_t parse_bytes(const std::string& text) {
    double number = 0;
    const char* end = text.data() + text.size();
    const auto [rest, failure] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
    std::string_view unit(rest, static_cast<std::size_t>(end - rest));
    if (unit.starts_with(' ')) {
        unit.remove_prefix(1);
    }
    if (failure == std::errc() && std::isfinite(number) && number >= 0) {
        for (const ByteUnit& row : byte_units) {
            const double bytes = number * row.bytes;
            if (row.name == lower(unit) && bytes < 9e18) {
                return static_cast<std::uint64_t>(bytes);
            }
        }
    }
    throw Error(ErrorCode::invalid_argument, "\"" + text.substr(0, 60) + "\" is not a size",
                "write it as 8GiB, 512MB or a number of bytes");
}

std::string format_bytes(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 6> names{"B", "KB", "MB", "GB", "TB", "PB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < names.size()) {
        value /= 1000;
        ++unit;
    }
    const bool whole = unit == 0 || value >= 9.95;
    return whole ? fmt::format("{:.0f} {}", value, names[unit])
                 : fmt::format("{:.1f} {}", value, names[unit]);
}

} // namespace hearth
