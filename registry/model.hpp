#pragma once

#include "base/digest.hpp"
#include "base/time.hpp"
#include "base/unique_fd.hpp"
#include "registry/model_ref.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What the store knows about a model: values only, so that `runtime` may include this file.
namespace hearth::registry {

enum class FileRole { model, projector, adapter, draft };
const char* role_name(
    FileRole role) noexcept; ///< "model", "mmproj", "adapter", "draft": names on the wire and in the ABI

/// One blob of a model that the backend reads.
struct ModelFile {
    Digest digest;
    FileRole role = FileRole::model;
    std::uint64_t size_bytes = 0;
    int shard = 1; ///< 1 … of
    int of = 1;
};

/// The `details` object of Ollama's API.
struct ModelDetails {
    std::string parent_model;
    std::string format = "gguf";
    std::string family; ///< general.architecture: "llama"
    std::vector<std::string> families;
    std::string parameter_size;      ///< "3.2B"
    std::string quantization_level;  ///< "Q4_K_M"
    std::int64_t context_length = 0; ///< <arch>.context_length; 0 unknown
    std::int64_t embedding_length = 0;
};

struct Model {
    ModelRef ref{};
    Digest digest;                ///< sha256 of the manifest's bytes: what `list` calls ID
    std::uint64_t size_bytes = 0; ///< all layers
    WallTime modified_at{};
    ModelDetails details{};
    std::vector<std::string> capabilities{}; ///< completion, embedding, tools, insert, vision, thinking
    std::vector<ModelFile> files{}; ///< in order: shards of the weights, then projector, adapters, draft
    std::string template_text{};    ///< Ollama's Go template layer; shown, not used (the GGUF's Jinja is)
    std::string chat_template{};    ///< tokenizer.chat_template of the GGUF
    std::string system{};           ///< default system prompt
    std::string
        parameters_json{}; ///< JSON object of options, or empty: the `params` layer over what the file recommends
    std::string messages_json{}; ///< `messages` layer: JSON array, or empty
    std::vector<std::string> licenses{};
    /// Names the loaded weights: two tags over the same files share one runner. sha256 over the files'
    /// digests and roles.
    std::string files_key() const;
};

/// A file of a model, open for reading. The blob behind it is 0444 and never changes.
struct OpenModelFile {
    UniqueFd fd;
    FileRole role = FileRole::model;
    std::uint64_t size_bytes = 0;
    int shard = 1;
    int of = 1;
};

} // namespace hearth::registry
