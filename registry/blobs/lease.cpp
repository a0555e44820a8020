#include "registry/blobs/lease.hpp"

#include <utility>

namespace hearth::registry {

BlobLease::BlobLease(std::shared_ptr<LeaseTable> table, std::vector<Digest> digests)
    : table_(std::move(table)), digests_(std::move(digests)) {}

BlobLease& BlobLease::operator=(BlobLease&& other) noexcept {
    if (this != &other) {
        release();
        table_ = std::move(other.table_);
        digests_ = std::move(other.digests_);
    }
    return *this;
}

BlobLease::~BlobLease() {
    release();
}

void BlobLease::release() noexcept {
    if (table_)
        table_->drop(digests_);
    table_.reset();
}

BlobLease LeaseTable::take(std::vector<Digest> digests) {
    const std::scoped_lock lock(mutex_);
    for (const Digest& digest : digests)
        ++counts_[digest];
    return BlobLease(shared_from_this(), std::move(digests));
}

bool LeaseTable::run_unless_leased(const Digest& digest, const std::function<void()>& action) {
    const std::scoped_lock lock(mutex_);
    if (counts_.contains(digest))
        return false;
    action();
    return true;
}

void LeaseTable::drop(const std::vector<Digest>& digests) noexcept {
    const std::scoped_lock lock(mutex_);
    for (const Digest& digest : digests)
        if (const auto found = counts_.find(digest); found != counts_.end() && --found->second == 0)
            counts_.erase(found);
}

} // namespace hearth::registry
