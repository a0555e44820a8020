#include "cli/chat/prompt_history.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/unique_fd.hpp"

#include <algorithm>
#include <fcntl.h>
#include <set>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace hearth::cli {
namespace {

constexpr std::size_t most_prompts = 1000;
constexpr mode_t private_mode = 0600;

std::string to_line(std::string_view prompt) {
    std::string line;
    for (const char c : prompt) {
        line.append(c == '\\' ? "\\\\" : c == '\n' ? "\\n" : std::string(1, c));
    }
    return line + "\n";
}

std::string from_line(std::string_view line) {
    std::string prompt;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const bool escaped = line[i] == '\\' && i + 1 < line.size();
        i += escaped ? 1 : 0;
        prompt += escaped && line[i] == 'n' ? '\n' : line[i];
    }
    return prompt;
}

/// The last of each, in order, the newest `most_prompts`.
std::vector<std::string> newest_once(std::vector<std::string> lines) {
    std::set<std::string> seen;
    std::vector<std::string> kept;
    for (auto line = lines.rbegin(); line != lines.rend() && kept.size() < most_prompts; ++line) {
        if (!line->empty() && seen.insert(*line).second) {
            kept.push_back(std::move(*line));
        }
    }
    std::ranges::reverse(kept);
    return kept;
}

/// A file that others may read, from a backup perhaps, becomes the owner's alone.
bool is_private_file(int fd) {
    struct stat status{};
    return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
           ((status.st_mode & 0077) == 0 || ::fchmod(fd, private_mode) == 0);
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(std::move(line));
    }
    return lines;
}

} // namespace

PromptHistory::PromptHistory(std::filesystem::path file) : file_(std::move(file)) {}

std::vector<std::string> PromptHistory::load() const {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(file_, ignored)) {
        return {};
    }
    try {
        std::vector<std::string> lines = lines_of(read_file(file_));
        const std::size_t found = lines.size();
        lines = newest_once(std::move(lines));
        if (found > 2 * most_prompts) {
            std::string text;
            for (const std::string& line : lines) {
                text += line + "\n";
            }
            write_file_atomically(file_, text, private_mode);
        }
        std::ranges::transform(lines, lines.begin(), from_line);
        return lines;
    } catch (const Error&) {
        return {};
    }
}

void PromptHistory::add(std::string_view prompt) const {
    std::error_code ignored;
    std::filesystem::create_directories(file_.parent_path(), ignored);
    // Not blocking: a FIFO without a reader would wait for one.
    const UniqueFd fd(
        ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, private_mode));
    const std::string line = to_line(prompt);
    if (fd && is_private_file(fd.get())) {
        [[maybe_unused]] const ssize_t written = ::write(fd.get(), line.data(), line.size());
    }
}

} // namespace hearth::cli
