#include "registry/fetch/handle_pool.hpp"

#include <algorithm>
#include <new>

namespace hearth::registry::fetch {

namespace {
constexpr std::size_t max_idle_handles = 16;
}

HandlePool::HandlePool() : share_(curl_share_init()) {
    if (share_ == nullptr) {
        throw std::bad_alloc();
    }
    curl_share_setopt(share_, CURLSHOPT_USERDATA, this);
    curl_share_setopt(share_, CURLSHOPT_LOCKFUNC, &HandlePool::lock_share);
    curl_share_setopt(share_, CURLSHOPT_UNLOCKFUNC, &HandlePool::unlock_share);
    curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

HandlePool::~HandlePool() {
    idle_.clear();
    curl_share_cleanup(share_);
}

void HandlePool::lock_share(CURL* /*handle*/, curl_lock_data data, curl_lock_access /*access*/, void* pool) {
    static_cast<HandlePool*>(pool)->share_mutexes_.at(data).lock();
}

void HandlePool::unlock_share(CURL* /*handle*/, curl_lock_data data, void* pool) {
    static_cast<HandlePool*>(pool)->share_mutexes_.at(data).unlock();
}

EasyHandle HandlePool::take(const std::string& key) {
    {
        const std::lock_guard lock(mutex_);
        const auto found =
            std::find_if(idle_.rbegin(), idle_.rend(), [&](const auto& entry) { return entry.first == key; });
        if (found != idle_.rend()) {
            EasyHandle handle = std::move(found->second);
            idle_.erase(std::next(found).base());
            return handle;
        }
    }
    EasyHandle handle(curl_easy_init());
    if (!handle) {
        throw std::bad_alloc();
    }
    curl_easy_setopt(handle.get(), CURLOPT_SHARE, share_);
    return handle;
}

void HandlePool::give_back(const std::string& key, EasyHandle handle) {
    curl_easy_reset(handle.get()); // keeps connections, and the share
    const std::lock_guard lock(mutex_);
    if (idle_.size() == max_idle_handles) {
        idle_.erase(idle_.begin());
    }
    idle_.emplace_back(key, std::move(handle));
}

} // namespace hearth::registry::fetch
