#pragma once

#include "base/digest.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace hearth::registry {

class LeaseTable;

/// Keeps blobs from being deleted while it lives: held by whoever published them, or found them there, and
/// has not recorded them yet. Movable; any thread.
class BlobLease {
  public:
    BlobLease() = default;
    BlobLease(BlobLease&& other) noexcept = default;
    BlobLease& operator=(BlobLease&& other) noexcept;
    ~BlobLease();

  private:
    friend class LeaseTable;
    BlobLease(std::shared_ptr<LeaseTable> table, std::vector<Digest> digests);
    void release() noexcept;

    std::shared_ptr<LeaseTable>
        table_; // shared: a lease of a cancelled pull may be dropped after the catalog is gone
    std::vector<Digest> digests_;
};

/// Which blobs are leased. Thread-safe; owned by the catalog and its leases.
class LeaseTable : public std::enable_shared_from_this<LeaseTable> {
  public:
    BlobLease take(std::vector<Digest> digests);
    /// Runs `action` while no lease on `digest` can be taken, if there is none. Keep it short: `take` waits
    /// on the io thread.
    /// @return  false when it is leased
    bool run_unless_leased(const Digest& digest, const std::function<void()>& action);

  private:
    friend class BlobLease;
    void drop(const std::vector<Digest>& digests) noexcept;

    std::mutex mutex_;
    std::map<Digest, int> counts_;
};

} // namespace hearth::registry
