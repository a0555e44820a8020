#pragma once

#include "base/digest.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// Manifests of every registry we read (Ollama's, Docker's, ModelPack's, plain OCI), reduced to layers.
/// Values only.
namespace hearth::registry {

/// One blob that a manifest names. Media type and annotations are text from outside: never part of a path.
struct Layer {
    std::string media_type;
    Digest digest;
    std::uint64_t size = 0;                         ///< bytes
    std::map<std::string, std::string> annotations; ///< string values only, others are dropped

    /// File name by annotation (`org.cncf.model.filepath`, else `org.opencontainers.image.title`), may be
    /// empty. For display and classification only.
    std::string file_name() const;
};

struct Manifest {
    std::string media_type; ///< as stated, else guessed from the layers' shape; may be empty
    std::optional<Layer> config;
    std::vector<Layer> layers;
};

/// An OCI index or Docker manifest list: manifests to choose from.
struct ManifestIndex {
    struct Entry {
        Layer manifest;           ///< media type, digest and size of the manifest itself
        std::string os;           ///< platform, may be empty
        std::string architecture; ///< platform, may be empty
    };
    std::vector<Entry> entries;
};

/// What a layer is for.
enum class LayerKind {
    weights,       ///< GGUF; several in order are the shards of one model
    projector,     ///< mmproj GGUF
    adapter,       ///< LoRA GGUF
    draft,         ///< GGUF of a speculative draft
    template_text, ///< Ollama's Go template
    chat_template, ///< Jinja (Docker)
    system,
    params,   ///< JSON object of options
    messages, ///< JSON array
    license,
    config,
    other ///< unknown or useless here: kept in the manifest's bytes, never downloaded
};

/// By media type, then by file name for types that only say "a file". Never throws.
LayerKind classify(const Layer& layer);

inline constexpr std::size_t manifest_limit_bytes = std::size_t{4} << 20;
inline constexpr std::size_t manifest_limit_layers = 4096;
/// Largest text layer (template, system, params, messages, license) and config that is read.
inline constexpr std::uint64_t text_layer_limit_bytes = std::uint64_t{1} << 20;

/// @throws Error  bad_manifest: over a limit, not JSON, bad or missing field (named), one digest with two
/// sizes
std::variant<Manifest, ManifestIndex> parse_manifest_or_index(std::string_view bytes);
/// As above; an index is bad_manifest here.
Manifest parse_manifest(std::string_view bytes);

/// Layers to have before the model can be recorded, each digest once: the config and every layer of a known
/// kind, in order.
/// @throws Error  unsupported when there are no GGUF weights (names what is there), bad_manifest for a text
/// layer over its limit
std::vector<Layer> needed_layers(const Manifest& manifest);

/// Config blob of a model that is made here, from a url or file. Always the same bytes.
std::string make_config();
/// A manifest in Ollama's docker-v2 shape. The same layers give the same bytes, so the same file has the same
/// digest everywhere.
std::string make_manifest(const std::optional<Layer>& config, const std::vector<Layer>& layers);

/// Media types that `make_manifest` callers need.
namespace media_type {
inline constexpr const char* docker_manifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr const char* docker_list = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr const char* oci_manifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr const char* oci_index = "application/vnd.oci.image.index.v1+json";
inline constexpr const char* config = "application/vnd.docker.container.image.v1+json";
inline constexpr const char* ollama_model = "application/vnd.ollama.image.model";
inline constexpr const char* ollama_projector = "application/vnd.ollama.image.projector";
inline constexpr const char* ollama_adapter = "application/vnd.ollama.image.adapter";
inline constexpr const char* ollama_template = "application/vnd.ollama.image.template";
inline constexpr const char* ollama_license = "application/vnd.ollama.image.license";
inline constexpr const char* ollama_system = "application/vnd.ollama.image.system";
inline constexpr const char* ollama_params = "application/vnd.ollama.image.params";
inline constexpr const char* ollama_messages = "application/vnd.ollama.image.messages";
} // namespace media_type

} // namespace hearth::registry
