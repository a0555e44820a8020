#include "registry/pull/shared_transfers.hpp"

#include <utility>

namespace hearth::registry {

SharedTransfers::Claim::~Claim() {
    if (entry_) {
        entry_->taken = false;
        entry_->changed.notify_all();
    }
}

void SharedTransfers::Claim::report(std::uint64_t completed) {
    entry_->completed = completed;
    entry_->changed.notify_all();
}

boost::asio::awaitable<SharedTransfers::Claim>
SharedTransfers::claim(Digest content, std::function<void(std::uint64_t)> on_bytes) {
    std::erase_if(entries_, [](const auto& entry) { return entry.second.expired(); });
    std::shared_ptr<Entry> entry = entries_[content].lock();
    if (!entry) {
        entry = std::make_shared<Entry>(executor_);
        entries_[content] = entry;
    }
    while (entry->taken) {
        co_await entry->changed.wait();
        on_bytes(entry->completed);
    }
    entry->taken = true;
    co_return Claim(std::move(entry));
}

bool SharedTransfers::is_claimed(const Digest& content) const {
    const auto found = entries_.find(content);
    const auto entry = found == entries_.end() ? nullptr : found->second.lock();
    return entry && entry->taken;
}

} // namespace hearth::registry
