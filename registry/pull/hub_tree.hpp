#pragma once

#include "base/digest.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the Hub's API says about a repository. Pure functions over text from outside.
namespace hearth::registry {

/// A GGUF file of a repository.
struct HubFile {
    std::string path; ///< without empty, `.` and `..` parts
    std::uint64_t size_bytes = 0;
    std::optional<Digest> digest; ///< of large files; small ones that lie in git have none
};

struct HubInfo {
    std::string repository; ///< "org/name" as it is called now; empty when not said
    std::string commit;     ///< 40 hex digits
};

/// The answer of /api/models/R/revision/REV.
/// @throws Error  bad_manifest
HubInfo parse_hub_info(std::string_view text);

struct HubPage {
    std::vector<HubFile> files; ///< the GGUF files alone
    std::size_t entries = 0;    ///< of all kinds
};

/// One page of /api/models/R/tree/REV?recursive=true.
/// @throws Error  bad_manifest: not such a list, a GGUF file without a right size, digest or path
HubPage parse_hub_page(std::string_view text);

/// The query of the `rel="next"` link ("cursor=…&limit=…"), empty when there is none. Only the query: which host
/// and path are asked is not the answer's to say.
std::string next_page_query(std::string_view link_header);

/// "a/b c.gguf" → "a/b%20c.gguf".
std::string encode_path(std::string_view path);

} // namespace hearth::registry
