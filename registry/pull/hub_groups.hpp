#pragma once

#include "registry/pull/hub_tree.hpp"
#include "registry/pull/published.hpp"

#include <string>
#include <vector>

namespace hearth::registry {

/// The quants that a repository's files make up, and those of which parts are missing.
struct HubGroups {
    std::vector<PublishedQuant> quants; ///< smallest first, then by tag; without references and URLs
    std::vector<std::string> incomplete;
};

/// Sorts GGUF files into quants: the shards of a split file are one; each gets the projector (mmproj) that is
/// nearest in the folders, F16 before other types; importance matrices, drafts, adapters and vocabularies
/// are left out. Pure; linear but for sorting.
HubGroups group_files(const std::vector<HubFile>& files);

} // namespace hearth::registry
