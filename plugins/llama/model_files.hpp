#pragma once

#include "plugins/abi/hearth_backend.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hearth::llama {

/// Paths by which llama.cpp can open the host's descriptors. One file is /proc/self/fd/N; the shards of a
/// split model are links in a private folder below the host's scratch folder, because llama.cpp derives their
/// names from the first one's. Owned by the model; the links go with it.
class ModelFiles {
  public:
    /// @param scratch_dir  may be null when no model is split
    /// @throws Failure  HEARTH_E_INVALID: no model, a missing or repeated shard, a closed descriptor
    ModelFiles(const hearth_load_spec& spec, const char* scratch_dir);
    ~ModelFiles();
    ModelFiles(const ModelFiles&) = delete;

    const std::string& model() const noexcept { return model_; }
    const std::string& projector() const noexcept { return projector_; } ///< empty: none
    const std::string& draft() const noexcept { return draft_; }         ///< empty: none
    std::uint64_t model_bytes() const noexcept { return model_bytes_; }
    const std::vector<std::string>& adapters() const noexcept { return adapters_; }

  private:
    void link_shards(const std::vector<const hearth_file*>& shards, const char* scratch_dir);

    std::filesystem::path links_; ///< empty: none made
    std::string model_;
    std::uint64_t model_bytes_ = 0;
    std::string projector_;
    std::string draft_;
    std::vector<std::string> adapters_;
};

} // namespace hearth::llama
