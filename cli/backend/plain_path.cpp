#include "cli/backend/plain_path.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hearth::cli::backend {
namespace {

constexpr std::size_t longest_path = 512;
constexpr std::size_t longest_part = 128;
constexpr std::size_t most_parts = 16;

[[noreturn]] void refuse(std::string_view path, std::string_view why) {
    throw Error(ErrorCode::backend_failed,
                fmt::format("the path \"{}\" {}", path.substr(0, longest_path), why));
}

bool is_plain(char c) {
    return c > ' ' && c < 0x7f && c != '\\';
}

} // namespace

std::vector<std::string> plain_path(std::string_view path) {
    if (path.empty() || path.size() > longest_path) {
        refuse(path, "is empty or too long");
    }
    if (path.starts_with('/')) {
        refuse(path, "is absolute");
    }
    if (!std::ranges::all_of(path, is_plain)) {
        refuse(path, "has characters that no file of a backend needs");
    }
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin <= path.size();) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        parts.emplace_back(path.substr(begin, end - begin));
        begin = end + 1;
        if (parts.back().empty() || parts.back() == "." || parts.back() == "..") {
            refuse(path, "climbs or has an empty part");
        }
        if (parts.size() > most_parts || parts.back().size() > longest_part) {
            refuse(path, "is too deep or too long");
        }
    }
    return parts;
}

} // namespace hearth::cli::backend
