#pragma once

#include <curl/curl.h>

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace hearth::registry::fetch {

struct EasyDeleter {
    void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
using EasyHandle = std::unique_ptr<CURL, EasyDeleter>;

/// curl easy handles that carry their live connections from one transfer to the next, by key
/// (AddressPolicy::pool_key). One handle serves one transfer at a time; curl cannot share connections between
/// threads, but names and TLS sessions are shared by all. Thread-safe. Must outlive every handle taken from
/// it.
class HandlePool {
  public:
    HandlePool();
    ~HandlePool();
    HandlePool(const HandlePool&) = delete;

    /// A handle without options, that may hold a connection made under the same key. @throws std::bad_alloc
    EasyHandle take(const std::string& key);
    void give_back(const std::string& key, EasyHandle handle);

  private:
    static void lock_share(CURL* handle, curl_lock_data data, curl_lock_access access, void* pool);
    static void unlock_share(CURL* handle, curl_lock_data data, void* pool);

    std::array<std::mutex, CURL_LOCK_DATA_LAST> share_mutexes_;
    CURLSH* share_;
    std::mutex mutex_;
    std::vector<std::pair<std::string, EasyHandle>> idle_; // oldest first
};

} // namespace hearth::registry::fetch
