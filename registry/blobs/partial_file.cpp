#include "registry/blobs/partial_file.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "registry/blobs/publish.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hearth::registry {
namespace {

/// A power cut loses at most this much traffic, or what arrives in this time.
constexpr std::uint64_t durable_bytes = std::uint64_t{64} << 20;
constexpr std::chrono::seconds durable_time{5};
constexpr std::size_t read_bytes = std::size_t{1} << 20;

std::uint64_t length_of(int fd, const std::filesystem::path& path) {
    struct stat status{};
    if (::fstat(fd, &status) != 0)
        throw system_error(errno, "looking at " + path.string());
    if (!S_ISREG(status.st_mode))
        throw Error(ErrorCode::store_failed, path.string() + " is not a regular file", "delete it");
    return static_cast<std::uint64_t>(status.st_size);
}

} // namespace

std::filesystem::path PartialFile::journal_of(const std::filesystem::path& part) {
    std::filesystem::path journal = part;
    return journal.replace_extension(".journal");
}

PartialFile::PartialFile(const BlobStore& store, std::filesystem::path part, std::optional<Digest> want,
                         std::optional<std::uint64_t> size)
    : store_(store), part_(std::move(part)), want_(std::move(want)), size_(size), journal_(journal_of(part_)),
      durable_at_(std::chrono::steady_clock::now()) {
    open_locked();
    recover();
    reserve();
}

void PartialFile::open_locked() {
    fd_.reset(::open(part_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    if (!fd_)
        throw system_error(errno, "opening " + part_.string());
    if (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0)
        throw Error(ErrorCode::busy, "this file is being downloaded already", "wait for the other download");
    // The one before us may have published or deleted the file between our open and our lock.
    struct stat ours{}, named{};
    if (::fstat(fd_.get(), &ours) != 0 || ::lstat(part_.c_str(), &named) != 0 || ours.st_ino != named.st_ino)
        throw Error(ErrorCode::busy, "another download of this file has just ended", "try again");
}

/// Keeps every byte that its record proves; and what follows the last record as long as the machine was not
/// restarted since (the final SHA-256 guards the result in any case: this only decides what is worth
/// keeping).
void PartialFile::recover() {
    const std::uint64_t length = length_of(fd_.get(), part_);
    if (length == 0)
        return journal_.start({});
    const JournalText journal = journal_.read();
    const std::string boot = Journal::current_boot();
    const bool same_boot = !boot.empty() && journal.boot == boot;
    const std::uint64_t recorded = journal.records.empty() ? 0 : journal.records.back().end;
    const bool too_long = size_ && length > *size_; // not this file's beginning
    const std::uint64_t trusted = too_long ? 0 : same_boot ? length : std::min(length, recorded);
    const std::vector<JournalRecord> good = verified(journal, trusted);
    if (::ftruncate(fd_.get(), static_cast<off_t>(offset_)) != 0)
        throw system_error(errno, "truncating " + part_.string());
    journal_.start(good);
    recorded_ = good.empty() ? 0 : good.back().end;
    durable_ = same_boot ? 0 : offset_;
    if (offset_ < length)
        log::warning("registry", fmt::format("{}: {} of {} bytes are right and kept",
                                             part_.filename().string(), offset_, length));
}

/// Hashes the first `trusted` bytes, stops at the first record that does not agree, and leaves hash_ and
/// offset_ behind the last byte to keep.
std::vector<JournalRecord> PartialFile::verified(const JournalText& journal, std::uint64_t trusted) {
    std::vector<JournalRecord> good;
    for (const JournalRecord& record : journal.records) {
        if (record.end > trusted || !hash_range(offset_, record.end))
            break;
        if (hash_.peek() != record.prefix) {
            hash_ = Sha256(); // a hash cannot go back: read the good part again, once
            offset_ = 0;
            hash_range(0, good.empty() ? 0 : good.back().end);
            return good;
        }
        good.push_back(record);
    }
    const bool all_records_good = good.size() == journal.records.size();
    if (all_records_good)
        hash_range(offset_, trusted);
    return good;
}

/// Feeds bytes of the file to the hash. @return false when they cannot be read (a bad sector); offset_ is
/// then where it stopped
bool PartialFile::hash_range(std::uint64_t from, std::uint64_t to) {
    std::string buffer(std::min<std::uint64_t>(read_bytes, to > from ? to - from : 0), '\0');
    offset_ = from;
    while (offset_ < to) {
        const std::size_t want = std::min<std::uint64_t>(buffer.size(), to - offset_);
        const ssize_t got = ::pread(fd_.get(), buffer.data(), want, static_cast<off_t>(offset_));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        hash_.update(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
        offset_ += static_cast<std::uint64_t>(got);
    }
    return true;
}

/// Takes the disk space now, so that "disk full" is known before the traffic. The file's length stays the
/// bytes that arrived.
void PartialFile::reserve() {
    if (!size_ || *size_ <= offset_)
        return;
    const auto from = static_cast<off_t>(offset_);
    if (::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, from, static_cast<off_t>(*size_ - offset_)) == 0)
        return;
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
        throw Error(ErrorCode::disk_full,
                    fmt::format("no space for {} more bytes of this model in {}", *size_ - offset_,
                                store_.data_dir().string()),
                    "free space, or point HEARTH_DATA at a larger disk; what has arrived is kept");
    // Filesystems without fallocate find out while writing.
}

void PartialFile::write_some(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset_));
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            throw system_error(errno, "writing " + part_.string());
        // Hash exactly what the disk took: after an error in the middle, offset and hash still belong
        // together.
        hash_.update(bytes.substr(0, static_cast<std::size_t>(written)));
        offset_ += static_cast<std::uint64_t>(written);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

void PartialFile::append(std::string_view bytes) {
    if (size_ && bytes.size() > *size_ - offset_)
        throw Error(ErrorCode::too_large,
                    fmt::format("more than the {} bytes that the manifest states arrived", *size_));
    while (!bytes.empty()) {
        const std::uint64_t next_record = recorded_ + Journal::record_bytes;
        const std::uint64_t room = next_record > offset_ ? next_record - offset_ : bytes.size();
        const std::string_view piece = bytes.substr(0, room);
        write_some(piece);
        record_if_due();
        bytes.remove_prefix(piece.size());
    }
}

void PartialFile::record_if_due() {
    if (offset_ - recorded_ < Journal::record_bytes)
        return;
    // Starts the write-back of what just arrived, so that the fdatasync below finds little to do.
    ::sync_file_range(fd_.get(), static_cast<off_t>(recorded_), static_cast<off_t>(offset_ - recorded_),
                      SYNC_FILE_RANGE_WRITE);
    journal_.append(JournalRecord{offset_, hash_.peek()});
    recorded_ = offset_;
    if (offset_ - durable_ >= durable_bytes || std::chrono::steady_clock::now() - durable_at_ >= durable_time)
        make_durable();
}

void PartialFile::make_durable() {
    if (::fdatasync(fd_.get()) != 0)
        throw system_error(errno, "syncing " + part_.string());
    journal_.make_durable();
    if (!folder_synced_)
        sync_directory(part_.parent_path());
    folder_synced_ = true;
    durable_ = offset_;
    durable_at_ = std::chrono::steady_clock::now();
}

void PartialFile::check_complete() const {
    if (size_ && offset_ != *size_)
        throw Error(ErrorCode::registry_failed, fmt::format("only {} of {} bytes arrived", offset_, *size_),
                    "pull again: it goes on from there");
}

Digest PartialFile::publish() {
    check_complete();
    const Digest got = hash_.peek();
    if (want_ && got != *want_) {
        ::unlink(part_.c_str());
        journal_.remove();
        fd_.reset();
        throw Error(ErrorCode::corrupt_blob, "sha256 is " + got.hex() + ", expected " + want_->hex(),
                    "the source sent wrong bytes; pull again");
    }
    publish_file(fd_.get(), part_, store_.path_of(got), offset_);
    journal_.remove();
    fd_.reset();
    return got;
}

void PartialFile::restart() {
    if (::ftruncate(fd_.get(), 0) != 0)
        throw system_error(errno, "truncating " + part_.string());
    hash_ = Sha256();
    offset_ = recorded_ = durable_ = 0;
    journal_.start({});
    reserve();
}

void PartialFile::discard() noexcept {
    if (!fd_)
        return; // the name may be another's by now
    ::unlink(part_.c_str());
    journal_.remove();
    fd_.reset();
}

} // namespace hearth::registry
