#pragma once

#include "base/digest.hpp"
#include "base/sha256.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

namespace hearth::registry {

class PartialBlob;

/// The content-addressed folder `data/blobs/sha256/<aa>/<64 hex>` and `data/tmp`. All calls block: run them
/// on the disk pool. Thread-safe. Commit protocol: design section 5.
class BlobStore {
  public:
    /// Creates the folders (0700), probes create + rename + fsync in them, and takes the store lock (flock on
    /// `data/store.lock`).
    /// @throws Error  store_locked when another daemon owns it; store_failed naming uid, path component and
    /// fix
    explicit BlobStore(std::filesystem::path data_dir);
    ~BlobStore();

    /// Size of a published blob.
    std::optional<std::uint64_t> size_of(const Digest& digest) const;
    bool contains(const Digest& digest) const { return size_of(digest).has_value(); }
    /// Read-only descriptor. @throws Error corrupt_blob when absent
    UniqueFd open(const Digest& digest) const;
    std::filesystem::path path_of(const Digest& digest) const;
    void remove(const Digest& digest);
    /// The first half of remove: takes the blob out of its place at once; `empty_trash` frees the bytes,
    /// which can take long.
    void retire(const Digest& digest);
    void empty_trash();

    /// Starts or resumes the download that will become `digest`. Bytes already there are read back, checked
    /// against the journal and hashed, so this blocks for about one second per GB.
    /// @param size  exact size from the manifest; nullopt when the source did not say
    /// @throws Error  disk_full when it cannot fit (what is there is kept), busy when a PartialBlob of it is
    /// open, store_failed
    std::unique_ptr<PartialBlob> begin(const Digest& digest, std::optional<std::uint64_t> size);
    /// The same where the digest is not known before the last byte: keyed by sha256(url + validator).
    std::unique_ptr<PartialBlob> begin_unknown(const Digest& key, std::optional<std::uint64_t> size);

    /// Stores small bytes (manifest configs, templates) through the same protocol. @return their digest
    Digest put(std::string_view bytes);
    /// Bytes in partial downloads.
    std::uint64_t partial_bytes() const;
    /// Deletes the partial of a digest, if any.
    void discard_partial(const Digest& digest);
    const std::filesystem::path& data_dir() const noexcept { return data_dir_; }

  private:
    std::filesystem::path part_of(const Digest& key) const;

    std::filesystem::path data_dir_;
    UniqueFd lock_;
};

/// A download in progress: appended in order, hashed while it arrives, journalled every 8 MiB so that a
/// restart resumes. One thread at a time; blocking.
class PartialBlob {
  public:
    virtual ~PartialBlob() = default;
    /// Bytes that are safely in the partial file: where to resume.
    virtual std::uint64_t offset() const = 0;
    /// @throws Error  disk_full, store_failed; too_large when more arrives than the manifest promised
    virtual void append(std::string_view bytes) = 0;
    /// fsync → compare SHA-256 and size → 0444 → rename without replace → fsync folder. A blob that is there
    /// already wins.
    /// @throws Error  corrupt_blob (the partial is deleted), registry_failed when bytes are missing (it is
    /// kept), disk_full,
    ///                store_failed
    virtual Digest publish() = 0;
    /// Forgets the bytes so far (the source changed). The next append starts at 0.
    virtual void restart() = 0;
    /// Deletes what has arrived; nothing can follow.
    virtual void discard() noexcept = 0;
};

} // namespace hearth::registry
