#pragma once

#include "base/async/blocking.hpp"
#include "base/digest.hpp"
#include "registry/blobs/blob_store.hpp"
#include "registry/pull/fetcher.hpp"
#include "registry/pull/retry.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace hearth::registry {

class SourceLogin;

/// Where the bytes of one file come from, and what is known of them.
struct FileSource {
    std::string name; ///< for messages: a file's name, or a layer's short digest
    std::string url;
    std::optional<Digest> digest; ///< of the content, where the source says it
    std::optional<std::uint64_t> size;
    std::string validator; ///< strong ETag or Last-Modified; empty where content has a digest
    bool is_gguf = false;  ///< the first four bytes must say so
    bool insecure = false;
    SourceLogin* login = nullptr; ///< signs requests; null for a plain URL. Outlives the download
};

/// Gets one file over one stream, resuming where it broke off, until every byte is in the PartialBlob. One
/// coroutine at a time, on the io executor; disk and hashing run on the pool.
class FileDownload {
  public:
    /// @param on_bytes  bytes of the file that have arrived, never falling; runs on the io thread
    FileDownload(Fetcher& fetcher, BlockingPool& disk, PartialBlob& partial, FileSource source,
                 RetryOptions retry, std::function<void(std::uint64_t)> on_bytes);

    /// Returns when the file is complete, not yet published. What arrived stays in the partial whatever
    /// happens.
    /// @throws Error  registry_unreachable, registry_denied, registry_failed, model_not_found, model_invalid,
    /// disk_full, cancelled
    boost::asio::awaitable<void> run();

  private:
    /// How an answer continues what is there.
    struct Plan {
        std::uint64_t skip = 0; ///< bytes at the start of the body that are there already
        bool restart = false;   ///< nobody can tell whether what is there belongs to it
        bool complete = false;  ///< nothing is missing
        bool repeat = false;    ///< ask again at once (after a login)
    };

    boost::asio::awaitable<bool> attempt();
    boost::asio::awaitable<std::unique_ptr<FetchResponse>> request(std::uint64_t offset);
    boost::asio::awaitable<Plan> judge(const FetchResponse& response, std::uint64_t offset);
    Plan judge_whole(const FetchResponse& response, std::uint64_t offset);
    Plan judge_part(const FetchResponse& response, std::uint64_t offset);
    Plan judge_beyond(const FetchResponse& response, std::uint64_t offset) const;
    boost::asio::awaitable<Plan> judge_denied(const FetchResponse& response);
    bool is_huge() const;
    void expect_size(std::uint64_t size);
    void expect_same_version(const FetchResponse& response) const;

    boost::asio::awaitable<void> receive(FetchResponse& response, std::uint64_t skip);
    boost::asio::awaitable<void> receive_all(FetchResponse& response, std::uint64_t skip);
    void check_first_bytes(const FetchResponse& response);
    boost::asio::awaitable<void> flush();
    void report(std::uint64_t arrived);

    Fetcher& fetcher_;
    BlockingPool& disk_;
    PartialBlob& partial_;
    FileSource source_;
    Backoff backoff_;
    std::function<void(std::uint64_t)> on_bytes_;

    std::string buffer_;
    bool first_bytes_checked_ = false;
    std::chrono::steady_clock::time_point last_flush_;
    std::uint64_t reported_ = 0;
    bool use_range_ = true;
    bool logged_in_ = false;
    bool refreshed_ = false; ///< one 403 was answered by asking again: a signed URL may have expired
};

} // namespace hearth::registry
