#pragma once

#include "base/sha256.hpp"
#include "base/unique_fd.hpp"
#include "registry/blobs/blob_store.hpp"
#include "registry/blobs/journal.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace hearth::registry {

/// The one PartialBlob: `tmp/<hex>.part` with its journal. Holds a lock on the file, so that a second one
/// cannot be opened; gone when it is destroyed, and the bytes stay.
class PartialFile final : public PartialBlob {
  public:
    /// Opens or creates the files, checks what is there and hashes it.
    /// @param want  what the bytes must hash to; absent while unknown
    /// @throws Error  busy when another PartialFile has it, disk_full, store_failed
    PartialFile(const BlobStore& store, std::filesystem::path part, std::optional<Digest> want,
                std::optional<std::uint64_t> size);

    std::uint64_t offset() const override { return offset_; }
    void append(std::string_view bytes) override;
    Digest publish() override;
    void restart() override;
    void discard() noexcept override;

    static std::filesystem::path journal_of(const std::filesystem::path& part);

  private:
    void open_locked();
    void recover();
    std::vector<JournalRecord> verified(const JournalText& journal, std::uint64_t trusted);
    bool hash_range(std::uint64_t from, std::uint64_t to);
    void reserve();
    void write_some(std::string_view bytes);
    void record_if_due();
    void make_durable();
    void check_complete() const;

    const BlobStore& store_;
    std::filesystem::path part_;
    std::optional<Digest> want_;
    std::optional<std::uint64_t> size_;
    Journal journal_;
    UniqueFd fd_;
    Sha256 hash_; // of the first offset_ bytes
    std::uint64_t offset_ = 0;
    std::uint64_t recorded_ = 0; // end of the last journal record
    std::uint64_t durable_ = 0;  // bytes that an fdatasync covers
    bool folder_synced_ = false;
    std::chrono::steady_clock::time_point durable_at_;
};

} // namespace hearth::registry
