#include "registry/blobs/journal.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <system_error>
#include <unistd.h>

namespace hearth::registry {
namespace {

constexpr std::string_view first_line = "hearth partial 1";
constexpr std::string_view boot_word = "boot ";
constexpr std::uint64_t largest_journal_bytes = std::uint64_t{64} << 20;

std::string line_of(const JournalRecord& record) {
    return fmt::format("{} {}\n", record.end, record.prefix.hex());
}

std::optional<JournalRecord> parse_record(std::string_view line) {
    std::uint64_t end = 0;
    const auto [after, error] = std::from_chars(line.data(), line.data() + line.size(), end);
    const std::string_view rest = line.substr(static_cast<std::size_t>(after - line.data()));
    if (error != std::errc{} || !rest.starts_with(' '))
        return std::nullopt;
    const auto prefix = Digest::try_parse("sha256:" + std::string(rest.substr(1)));
    if (!prefix)
        return std::nullopt;
    return JournalRecord{end, *prefix};
}

} // namespace

JournalText parse_journal(std::string_view text) {
    JournalText journal;
    bool first = true;
    for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n')) {
        const std::string_view line = text.substr(0, at);
        text.remove_prefix(at + 1);
        if (first != (line == first_line))
            break;
        if (first) {
            first = false;
        } else if (line.starts_with(boot_word)) {
            journal.boot = line.substr(boot_word.size());
        } else {
            auto record = parse_record(line);
            if (!record || record->end <= (journal.records.empty() ? 0 : journal.records.back().end))
                break;
            journal.records.push_back(std::move(*record));
        }
    }
    return journal;
}

std::string Journal::current_boot() {
    try {
        std::string id = read_file("/proc/sys/kernel/random/boot_id", 256);
        return id.substr(0, id.find('\n'));
    } catch (const Error&) {
        return {}; // never equal to a journal's: nothing is trusted without its record
    }
}

JournalText Journal::read() const {
    std::error_code ignored;
    if (!std::filesystem::exists(path_, ignored))
        return {};
    return parse_journal(read_file(path_, largest_journal_bytes));
}

void Journal::start(const std::vector<JournalRecord>& records) {
    const std::string boot = current_boot();
    std::string text = fmt::format("{}\n", first_line);
    if (!boot.empty())
        text += fmt::format("{}{}\n", boot_word, boot);
    for (const JournalRecord& record : records)
        text += line_of(record);
    if (!records.empty())
        write_file_atomically(path_, text); // a kill in between keeps the old one
    const int truncate = records.empty() ? O_TRUNC : 0;
    fd_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | truncate, 0600));
    if (!fd_)
        throw system_error(errno, "opening " + path_.string());
    if (records.empty() && ::write(fd_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        throw system_error(errno, "writing " + path_.string());
}

void Journal::append(const JournalRecord& record) {
    const std::string line = line_of(record);
    // One write; a short one leaves a torn line, which ends what a reader believes.
    if (::write(fd_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
        throw system_error(errno, "writing " + path_.string());
}

void Journal::make_durable() {
    if (::fdatasync(fd_.get()) != 0)
        throw system_error(errno, "syncing " + path_.string());
}

void Journal::remove() noexcept {
    ::unlink(path_.c_str());
    fd_.reset();
}

} // namespace hearth::registry
