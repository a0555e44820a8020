#pragma once

#include "base/async/blocking.hpp"
#include "base/async/task_group.hpp"
#include "registry/blobs/free_space.hpp"
#include "registry/model.hpp"
#include "registry/pull/hub_access.hpp"
#include "registry/pull/published.hpp"
#include "registry/pull/retry.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace hearth::registry {

class BlobStore;
class Catalog;
class Fetcher;

/// One line of progress, as Ollama's /api/pull prints it.
struct PullProgress {
    std::string status; ///< "pulling manifest", "pulling 6a0746a1ec1a", "verifying sha256 digest", "writing
                        ///< manifest", "success"
    std::optional<Digest> digest; ///< the layer
    std::uint64_t total_bytes = 0;
    std::uint64_t completed_bytes = 0; ///< never falls
};

struct PullRequest {
    std::string name;      ///< any reference form
    std::string as;        ///< store under this name instead, may be empty
    bool insecure = false; ///< Ollama's field: allows http to this registry
};

/// Says which quant of a repository to take when the reference names none: the tag of one of them. Runs on the
/// io executor, as part of the pull, and is cancelled with it; what it throws ends the pull.
using ChooseQuant = std::function<boost::asio::awaitable<std::string>(PublishedModel)>;

/// Settings that tests and later the configuration change.
struct PullOptions {
    RetryOptions retry;
    HubAccess hub;
    ChooseQuant choose_quant;                            ///< empty: `default_quant`
    std::uint64_t reserve_bytes = default_reserve_bytes; ///< free space that a pull leaves on the disk
};

/// Pulls models: manifest, then each file over one resumable stream, verified before it is published, then
/// recorded in the catalog. Jobs belong to the engine: one per reference, with many listeners; a job goes on
/// for as long as someone listens, and its bytes stay for the next try. Lives on the io executor.
class PullEngine {
  public:
    PullEngine(boost::asio::any_io_executor executor, Catalog& catalog, BlobStore& blobs, Fetcher& fetcher,
               BlockingPool& disk, std::string default_registry, PullOptions options = {});
    ~PullEngine();

    /// Pulls, or joins the running pull of the same reference. `on_progress` runs on the io thread, at most
    /// about 10 times a second and layer; it must not block. Cancelling the caller ends the job when it was
    /// the last listener.
    /// @throws Error  what the source, network or disk did; bad_reference; cancelled
    boost::asio::awaitable<Model> pull(PullRequest request,
                                       std::function<void(const PullProgress&)> on_progress);

    boost::asio::awaitable<void> stop();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace hearth::registry
