#pragma once

#include "base/async/blocking.hpp"
#include "registry/blobs/lease.hpp"
#include "registry/manifest.hpp"
#include "registry/model.hpp"
#include "registry/pull/file_download.hpp"
#include "registry/pull/progress_board.hpp"
#include "registry/pull/pull_engine.hpp"
#include "registry/pull/shared_transfers.hpp"
#include "registry/pull/source_index.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace hearth::registry {

/// What every pull works with. References to things that outlive the engine, and to the engine's own.
struct PullContext {
    Catalog& catalog;
    BlobStore& blobs;
    Fetcher& fetcher;
    BlockingPool& disk;
    SharedTransfers& transfers;
    SourceIndex sources;
    std::string default_registry;
    PullOptions options;
};

/// The layer that a file of a known digest becomes in a manifest of our own.
Layer published_layer(FileRole role, const Digest& digest, std::uint64_t size);
/// A manifest of our own for files that came without one. Made of digests only: the same files are the same
/// model, wherever from.
std::string own_manifest(const std::vector<Layer>& layers);

/// One pull of one reference, start to end: manifest, files, record. Runs as one coroutine on the io
/// executor; cancelled as a whole.
class PullJob {
  public:
    PullJob(PullContext& context, ModelRef ref, PullRequest request);

    boost::asio::awaitable<Model> run();
    ProgressBoard& board() noexcept { return board_; }

  private:
    /// Each gets every file the model needs, and gives the manifest to record.
    boost::asio::awaitable<std::string> pull_oci();
    boost::asio::awaitable<std::string> pull_hub();
    boost::asio::awaitable<std::string> pull_url();
    boost::asio::awaitable<std::string> pull_file();
    boost::asio::awaitable<std::string> make_own_manifest(std::vector<Layer> layers);

    /// The quant to take, and a line of progress that says which when nobody named it.
    boost::asio::awaitable<std::string> choose_tag(PublishedModel model);
    boost::asio::awaitable<std::optional<std::string>> kept_tag(PublishedModel model);
    std::string pinned_tag(const PublishedModel& model) const;
    boost::asio::awaitable<Layer> fetch_published(PublishedFile file);

    boost::asio::awaitable<Model> record(ModelRef name, std::string manifest);
    boost::asio::awaitable<Layer> fetch_unknown(FileSource source);
    boost::asio::awaitable<Layer> fetch_known(FileSource source);
    /// Brings what is missing of `source` into `partial`, and tells all who wait for it. The caller keeps what is
    /// referred to. @return bytes of the whole
    boost::asio::awaitable<std::uint64_t> download(PartialBlob& partial, FileSource source,
                                                   SharedTransfers::Claim& claim,
                                                   std::function<void(std::uint64_t)> show);
    boost::asio::awaitable<Layer> import_file(std::string path);
    boost::asio::awaitable<void> drop_older_version(FileSource source, Digest key);
    boost::asio::awaitable<std::optional<Layer>> find_known_source(Digest key);

    boost::asio::awaitable<void> expect_space(std::vector<FileSource> sources);
    void keep(const Digest& digest);
    std::uint64_t missing_bytes(const FileSource& source) const;
    ModelRef target_name() const;

    PullContext& context_;
    ModelRef ref_;
    PullRequest request_;
    ProgressBoard board_;
    std::vector<BlobLease> leases_; ///< what is here for this pull stays here until it is recorded
};

} // namespace hearth::registry
