#pragma once

#include "base/digest.hpp"
#include "registry/model.hpp"
#include "registry/model_ref.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What a source has of a model before anything of it is downloaded: values only, but for the login that its
/// files share.
namespace hearth::registry {

class SourceLogin;

/// One file at a source.
struct PublishedFile {
    std::string name; ///< path in the repository, or the file's name; for display, never part of a path
    FileRole role = FileRole::model;
    std::uint64_t size_bytes = 0;
    std::optional<Digest> digest; ///< of the content, where the source says it
    std::string url;              ///< https, http on loopback, or file:///…
    int shard = 1;                ///< 1 … of
    int of = 1;
    std::string validator; ///< strong ETag or date, where there is no digest
    bool insecure = false;
    std::shared_ptr<SourceLogin> login; ///< signs requests; shared by the files of one look, null for none
};

/// One choice of a model: the files of one quantization.
struct PublishedQuant {
    std::string quant;     ///< "Q4_K_M", "UD-Q4_K_XL", "BF16"; empty where the source does not say it
    std::string tag;       ///< what names it in this repository; unique without case
    std::string reference; ///< what to pull: "hf.co/org/repo:Q4_K_M"
    std::vector<PublishedFile> files; ///< shards of the weights in order, then projector, adapters, draft
    std::uint64_t size_bytes = 0;     ///< of all files

    /// Bytes of the weights alone.
    std::uint64_t weight_bytes() const;
};

struct PublishedModel {
    ModelRef ref{};
    std::string repository; ///< name at the source now: another than asked for when it was renamed
    std::string commit;     ///< 40 hex digits that every URL holds; empty but for the Hub
    std::vector<PublishedQuant> quants;  ///< smallest first, then by tag; at least one
    std::vector<std::string> incomplete; ///< "Q8_0 (2 of 3 parts)": cannot be pulled
    std::vector<std::string> tags;       ///< other tags of an OCI repository, where the registry lists them

    /// The quant that a tag means, without case: its own tag, its type ("UD-" may be left out when only one
    /// is meant), or a file's name. nullptr when there is none.
    const PublishedQuant* find(std::string_view tag) const;
    /// As find. @throws Error  model_not_found: which there are
    const PublishedQuant& get(std::string_view tag) const;
};

/// The quantization that a file's name tells ("m-q4_k_m-00001-of-00002.gguf" → "Q4_K_M"), empty when none.
std::string quant_of_name(std::string_view path);

/// What is taken when nobody chooses: Q4_K_M, else Q8_0, else the first by name.
const PublishedQuant& default_quant(const PublishedModel& model);

} // namespace hearth::registry
