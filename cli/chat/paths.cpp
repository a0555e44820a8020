#include "cli/chat/paths.hpp"

#include <cstdlib>
#include <string>

namespace hearth::cli {

namespace fs = std::filesystem;

fs::path from_home(std::string_view typed) {
    const char* home = std::getenv("HOME"); // NOLINT(concurrency-mt-unsafe): one thread
    if (home == nullptr || (typed != "~" && !typed.starts_with("~/"))) {
        return typed;
    }
    return std::string(home).append(typed.substr(1));
}

fs::path typed_path(std::string_view typed) {
    const bool quoted =
        typed.size() >= 2 && (typed.front() == '\'' || typed.front() == '"') && typed.back() == typed.front();
    std::error_code ignored;
    if (quoted && !fs::exists(typed, ignored)) {
        typed = typed.substr(1, typed.size() - 2);
    }
    return from_home(typed);
}

} // namespace hearth::cli
