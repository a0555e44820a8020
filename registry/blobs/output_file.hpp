#pragma once

#include "base/digest.hpp"
#include "base/sha256.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>
#include <filesystem>

namespace hearth::registry {

class BlobStore;

/// A file that another process writes and that becomes a blob when that process is gone. Deleted with the
/// object unless it was published, and at the store's next start when a kill prevented that. One thread at a
/// time; blocking.
class OutputFile {
  public:
    /// An empty file in the store's tmp folder. @throws Error  disk_full, store_failed
    explicit OutputFile(const BlobStore& store);
    ~OutputFile();
    OutputFile(const OutputFile&) = delete;

    /// For the process that writes.
    UniqueFd open_writer() const;
    /// Nobody may write from here on: the bytes that are hashed must be the bytes that are published.
    /// @throws Error  internal when some process still has the file open for writing; store_failed
    void seal();
    /// After seal: bytes of the file.
    std::uint64_t size() const noexcept { return size_; }
    /// Hashes the next `bytes`. @return false when the whole file is hashed
    bool hash_some(std::uint64_t bytes);
    std::uint64_t hashed() const noexcept { return hashed_; }
    /// Of what is hashed so far.
    Digest digest() const { return hash_.peek(); }
    /// fsync → 0444 → rename without replace → fsync folder, when everything is hashed.
    Digest publish();

  private:
    const BlobStore& store_;
    std::filesystem::path path_;
    UniqueFd fd_; ///< for reading, from seal on
    Sha256 hash_;
    std::uint64_t size_ = 0;
    std::uint64_t hashed_ = 0;
    bool published_ = false;
};

} // namespace hearth::registry
