#pragma once

#include "base/json.hpp"
#include "registry/manifest.hpp"
#include "registry/model.hpp"

namespace hearth::registry {

class BlobStore;

/// Builds a Model from a manifest whose blobs are all published: reads the GGUF header of every weights file
/// (and of projectors, adapters and drafts) and the small text layers. Blocking. `modified_at` is left to the
/// caller.
/// @param digest  of the manifest's bytes
/// @throws Error  model_invalid (not a GGUF, truncated, shards missing, no model), unsupported (no GGUF
/// weights),
///                bad_manifest (a text layer that is not what its type says), corrupt_blob (a blob is absent
///                or has another size)
Model inspect(const ModelRef& ref, const Digest& digest, const Manifest& manifest, const BlobStore& blobs);

/// `model_info`, `projector_info` and with `verbose` `tensors` of /api/show, see Catalog::describe. Blocking.
Json describe_files(const Model& model, const BlobStore& blobs, bool verbose);

} // namespace hearth::registry
