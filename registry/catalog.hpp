#pragma once

#include "base/async/blocking.hpp"
#include "base/json.hpp"
#include "registry/model.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::registry {

class BlobStore;
class Database;

/// What models exist and where their bytes are: the façade of the store. Callable from the io thread; SQLite and disk work runs on
/// the database's thread and the blocking pool. Owned by the daemon; outlives every user.
class Catalog {
  public:
    Catalog(Database& database, BlobStore& blobs, BlockingPool& disk, std::string default_registry);

    /// All models, newest first.
    boost::asio::awaitable<std::vector<Model>> list();
    /// By any form of the name: full, short (default registry first, then `local`), or `@sha256:` of the manifest.
    boost::asio::awaitable<std::optional<Model>> find(std::string name);
    /// As find. @throws Error model_not_found `model 'x' not found`, hint: the nearest installed name, or `hearth pull x`
    boost::asio::awaitable<Model> get(std::string name);

    /// Records a model whose blobs are all published: manifest bytes unchanged, one transaction, tag last.
    /// Reads the GGUF header of the first weights file for details, capabilities and template.
    /// @param manifest  bytes as served (or made here for url and file sources)
    /// @throws Error    model_invalid (not a GGUF, truncated; the tag is not moved), bad_manifest, store_failed
    boost::asio::awaitable<Model> record(ModelRef ref, std::string manifest);

    struct Removed {
        std::uint64_t freed_bytes = 0;  ///< blobs that nothing else uses, gone from disk
        std::uint64_t shared_bytes = 0; ///< kept because another model uses them
    };
    /// Forgets the tag, then deletes blobs that no model, lease or running pull uses.
    boost::asio::awaitable<Removed> remove(std::string name);

    /// Open descriptors of a model's files; size is checked against the index.
    /// @throws Error corrupt_blob when one is missing or has another size, hint: pull again
    boost::asio::awaitable<std::vector<OpenModelFile>> open_files(Model model);

    /// `model_info` of /api/show: every GGUF key; arrays longer than 5 are emptied unless verbose. With verbose also "tensors".
    /// @return {"model_info": {...}, "projector_info": {...}?, "tensors": [...]?}
    boost::asio::awaitable<Json> describe(Model model, bool verbose);

    struct Usage {
        std::uint64_t models = 0;
        std::uint64_t blob_bytes = 0;
        std::uint64_t partial_bytes = 0;
    };
    boost::asio::awaitable<Usage> usage();

  private:
    Database& database_;
    BlobStore& blobs_;
    BlockingPool& disk_;
    std::string default_registry_;
};

} // namespace hearth::registry
