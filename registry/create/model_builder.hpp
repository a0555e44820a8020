#pragma once

#include "base/async/blocking.hpp"
#include "registry/blobs/lease.hpp"
#include "registry/model.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hearth::registry {

class BlobStore;
class Catalog;
class PartialBlob;

/// What a new model is made of. `base` or `files` give the weights; the texts replace those of the base.
struct BuildRequest {
    std::string name;
    std::optional<Model> base;
    std::map<std::string, Digest> files;    ///< by file name: GGUF weights (shards) and projectors
    std::map<std::string, Digest> adapters; ///< LoRA GGUFs
    std::optional<std::string> template_text;
    std::optional<std::string> system; ///< "": none
    std::vector<std::string> licenses; ///< after those of the base
    std::string parameters_json;       ///< object, over that of the base; empty: as they are
    std::string messages_json;         ///< array; empty: as they are
};

/// A blob on its way from a client: hashed while it arrives, visible only when it is whole and right. What
/// arrived is deleted when the object ends before `publish`. On the io executor; disk work runs on the pool.
class BlobUpload {
  public:
    BlobUpload(BlockingPool& disk, std::unique_ptr<PartialBlob> partial, BlobLease lease);
    ~BlobUpload();
    BlobUpload(const BlobUpload&) = delete;

    /// @throws Error  disk_full, store_failed, too_large
    boost::asio::awaitable<void> append(std::string bytes);
    /// @throws Error  invalid_argument when the bytes are not those of the digest or not all there
    boost::asio::awaitable<void> publish();

  private:
    BlockingPool& disk_;
    std::unique_ptr<PartialBlob> partial_; ///< null after publish
    BlobLease lease_;
};

/// Makes models of what is in the store: blobs that clients upload, names for models, models from models.
/// Owned by the daemon; on the io executor.
class ModelBuilder {
  public:
    ModelBuilder(Catalog& catalog, BlobStore& blobs, BlockingPool& disk, std::string default_registry);

    boost::asio::awaitable<bool> has_blob(Digest digest);
    /// @param size  what the client announced; the space is taken at once
    /// @throws Error  disk_full; busy when the blob is on its way already
    boost::asio::awaitable<std::unique_ptr<BlobUpload>> begin_upload(Digest digest,
                                                                     std::optional<std::uint64_t> size);

    /// Makes and records a model; its manifest has Ollama's shape.
    /// @param on_status  lines as Ollama prints them, on the io thread
    /// @throws Error     invalid_argument (a blob is not here), model_invalid, bad_reference, disk_full
    boost::asio::awaitable<Model> create(BuildRequest request,
                                         std::function<void(const std::string&)> on_status);
    /// Another name for a model: the same manifest, byte for byte. @throws Error model_not_found,
    /// bad_reference
    boost::asio::awaitable<Model> copy(std::string source, std::string destination);

  private:
    struct Draft;
    boost::asio::awaitable<ModelRef> name_for(std::string name);
    Draft draft(const BuildRequest& request, const std::string& base_manifest) const;
    std::string finish(Draft& draft, const ModelRef& name) const;

    Catalog& catalog_;
    BlobStore& blobs_;
    BlockingPool& disk_;
    std::string default_registry_;
};

} // namespace hearth::registry
