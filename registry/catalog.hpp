#pragma once

#include "base/async/blocking.hpp"
#include "base/json.hpp"
#include "registry/blobs/lease.hpp"
#include "registry/model.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::registry {

class BlobStore;
class Connection;
class Database;
struct StoredBlob;

/// What models exist and where their bytes are: the façade of the store. Callable from the io thread; SQLite
/// and disk work runs on the database's thread and the blocking pool. Owned by the daemon; outlives every
/// user.
class Catalog {
  public:
    Catalog(Database& database, BlobStore& blobs, BlockingPool& disk, std::string default_registry);

    ~Catalog();

    /// All models, newest first.
    boost::asio::awaitable<std::vector<Model>> list();
    /// By any form of the name: full, short (default registry first, then `local`), url or file (by its local
    /// name), or `sha256:…` of the manifest alone. A pin must match.
    /// @throws Error bad_reference
    boost::asio::awaitable<std::optional<Model>> find(std::string name);
    /// As find. @throws Error model_not_found `model 'x' not found`, hint: the nearest installed name, or
    /// `hearth pull x`
    boost::asio::awaitable<Model> get(std::string name);

    /// Whether a name, in any form that `find` takes, may mean this model. @throws Error bad_reference
    bool means(const std::string& name, const Model& model) const;

    /// Records a model whose blobs are all published: manifest bytes unchanged, one transaction, tag last.
    /// Reads the GGUF headers for details, capabilities and template. A url or file is recorded under its
    /// local name.
    /// @param manifest  bytes as served (or made here for url and file sources)
    /// @throws Error    model_invalid (not a GGUF, truncated; the tag is not moved), bad_manifest,
    /// unsupported (no GGUF in it),
    ///                  corrupt_blob (a blob is absent or the pin does not match), store_failed
    boost::asio::awaitable<Model> record(ModelRef ref, std::string manifest);

    /// After `record` refused a model: deletes the blobs of its manifest that no other model and no lease
    /// holds, so that what cannot be used does not stay on the disk unseen. @throws Error  store_failed
    boost::asio::awaitable<void> discard_unrecorded(std::string manifest);
    /// The manifest of a recorded model, as it was served. @throws Error  model_not_found when it is gone
    boost::asio::awaitable<std::string> manifest(Model model);
    /// Until the lease ends, no remove deletes these blobs. Take it before asking whether they are there.
    BlobLease lease(std::vector<Digest> digests);

    struct Removed {
        std::uint64_t freed_bytes = 0;  ///< blobs that nothing else uses, gone from disk
        std::uint64_t shared_bytes = 0; ///< kept because another model uses them
    };
    /// Forgets the tag, then deletes blobs that no model, lease or running pull uses.
    boost::asio::awaitable<Removed> remove(std::string name);

    /// Open descriptors of a model's files; size is checked against the index.
    /// @throws Error corrupt_blob when one is missing or has another size, hint: pull again
    boost::asio::awaitable<std::vector<OpenModelFile>> open_files(Model model);

    /// `model_info` of /api/show: every GGUF key; arrays longer than 5 are emptied unless verbose. With
    /// verbose also "tensors".
    /// @return {"model_info": {...}, "projector_info": {...}?, "tensors": [...]?}
    boost::asio::awaitable<Json> describe(Model model, bool verbose);

    struct Usage {
        std::uint64_t models = 0;
        std::uint64_t blob_bytes = 0;
        std::uint64_t partial_bytes = 0;
    };
    boost::asio::awaitable<Usage> usage();

    /// Looks at the whole index and at every file that it names; contents are not read.
    struct Health {
        std::vector<std::string> damage; ///< what SQLite finds wrong; empty: intact
        std::vector<std::string>
            incomplete; ///< models, by their short names, of which a file is missing or cut
        std::uint64_t models = 0;
    };
    /// @throws Error  store_failed: the index cannot be opened at all
    boost::asio::awaitable<Health> check_health();

  private:
    /// Which stored names a text may mean, best first.
    struct Wanted {
        std::vector<ModelRef> names;
        std::optional<Digest> manifest; ///< must be (or, without names, is) the manifest's digest
        std::optional<Digest> file;     ///< must be the digest of the first file
    };
    Wanted wanted(const std::string& name) const;
    static std::optional<Model> look_up(Connection& connection, const Wanted& wanted);
    std::uint64_t retire_unused(const std::vector<StoredBlob>& unused);
    boost::asio::awaitable<std::string> hint_for_missing(std::string name);
    Model examine(const ModelRef& ref, const std::string& bytes) const;

    Database& database_;
    BlobStore& blobs_;
    BlockingPool& disk_;
    std::string default_registry_;
    std::shared_ptr<LeaseTable> leases_; // shared with the leases, see there
};

} // namespace hearth::registry
