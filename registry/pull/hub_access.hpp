#pragma once

#include <string>

namespace hearth::registry {

/// Where the Hugging Face Hub is and who asks. A value; holds a credential: never logged, never in an answer.
struct HubAccess {
    std::string endpoint = "https://huggingface.co"; ///< scheme and host, perhaps a path, no slash at the end
    std::string token_file{}; ///< read at each use, so that a login counts at once; empty: none
    std::string token{};      ///< goes before the file; empty: none

    /// HF_ENDPOINT (https, or http to loopback); HF_TOKEN, HUGGING_FACE_HUB_TOKEN; the file is $HF_TOKEN_PATH,
    /// else $HF_HOME/token, else token in $XDG_CACHE_HOME/huggingface or ~/.cache/huggingface, where `hf auth
    /// login` writes.
    /// @throws Error  invalid_argument: HF_ENDPOINT is no such address
    static HubAccess from_environment();

    /// "Bearer hf_…", or empty. Blocking. A file that cannot be read counts as absent.
    std::string authorization() const;
};

} // namespace hearth::registry
