#include "base/log.hpp"

#include "base/time.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <sys/stat.h>
#include <unistd.h>

namespace hearth::log {
namespace {

std::atomic<Level> lowest{Level::info};
std::atomic<bool> journal{false};

struct LevelName {
    Level level;
    std::string_view name;
    std::string_view priority; // sd-daemon(3)
};
constexpr std::array<LevelName, 4> level_names{{
    {Level::debug, "debug", "<7>"},
    {Level::info, "info", "<6>"},
    {Level::warning, "warning", "<4>"},
    {Level::error, "error", "<3>"},
}};

const LevelName& row_of(Level level) noexcept {
    for (const LevelName& row : level_names) {
        if (row.level == level) {
            return row;
        }
    }
    return level_names.back();
}

/// JOURNAL_STREAM is inherited by children whose stderr goes elsewhere: device and inode must match.
bool stderr_is_journal() noexcept {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat status{};
    if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) {
        return false;
    }
    char* rest = nullptr;
    const unsigned long long device = std::strtoull(stream, &rest, 10);
    if (*rest != ':') {
        return false;
    }
    const unsigned long long inode = std::strtoull(rest + 1, nullptr, 10);
    return device == status.st_dev && inode == status.st_ino;
}

/// An event is one line, whatever a peer put into its error text.
void append_flat(std::string& line, std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        line += byte < 0x20 || byte == 0x7f ? ' ' : c;
    }
}

} // namespace

void set_level(Level level) noexcept {
    lowest.store(level, std::memory_order_relaxed);
}

void init_from_environment() noexcept {
    journal.store(stderr_is_journal(), std::memory_order_relaxed);
    const char* wanted = std::getenv("HEARTH_LOG");
    if (wanted == nullptr) {
        return;
    }
    for (const LevelName& row : level_names) {
        if (row.name == wanted) {
            set_level(row.level);
        }
    }
}

void write(Level level, std::string_view room, std::string_view text) noexcept {
    if (level < lowest.load(std::memory_order_relaxed)) {
        return;
    }
    try {
        const LevelName& row = row_of(level);
        std::string line;
        line.reserve(text.size() + room.size() + 48);
        if (journal.load(std::memory_order_relaxed)) {
            line += row.priority;
        } else {
            line.append(to_rfc3339(std::chrono::system_clock::now()))
                .append(" ")
                .append(row.name)
                .append(" ");
        }
        line.append(room).append(": ");
        append_flat(line, text);
        line += '\n';
        // The log has no other place to complain to.
        [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    } catch (...) { // out of memory: a log line is not worth the program
    }
}

} // namespace hearth::log
