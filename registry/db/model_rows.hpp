#pragma once

#include "registry/manifest.hpp"
#include "registry/model.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The tables of models and manifests as functions. All run on the database's thread.
namespace hearth::registry {

class Connection;

struct StoredBlob {
    Digest digest;
    std::uint64_t size_bytes = 0;
};

/// A model to write down. Its blobs are published.
struct NewModel {
    Model model;
    std::string manifest;      ///< bytes as served
    std::string media_type;    ///< of the manifest
    std::vector<Layer> layers; ///< the blobs it uses, each once
};

/// Writes manifest, blobs and name, the name last, in one transaction that is durable on return.
/// @return blobs that nothing uses any more, because the name pointed at another manifest before; their rows
/// are gone
std::vector<StoredBlob> put_model(Connection& connection, const NewModel& added);

/// Those of the layers that no recorded manifest uses.
std::vector<StoredBlob> unrecorded_blobs(Connection& connection, const std::vector<Layer>& layers);

/// By kind-independent name: host, repository and tag without ASCII case.
std::optional<Model> find_model(Connection& connection, const ModelRef& ref);
/// The newest name of that manifest.
std::optional<Model> find_model_by_digest(Connection& connection, const Digest& manifest);
/// The bytes of a recorded manifest.
std::optional<std::string> find_manifest(Connection& connection, const Digest& manifest);
/// Newest first, then by name.
std::vector<Model> list_models(Connection& connection);

struct Forgotten {
    std::vector<StoredBlob> unused; ///< rows are gone, files are still there
    std::uint64_t shared_bytes = 0; ///< of blobs that other models use
};
/// Deletes the name, and manifest and blob rows that nothing else uses. One durable transaction.
Forgotten forget_model(Connection& connection, const Model& model);

struct Counts {
    std::uint64_t models = 0;
    std::uint64_t blob_bytes = 0;
};
Counts count_models(Connection& connection);

} // namespace hearth::registry
