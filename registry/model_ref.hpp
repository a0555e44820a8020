#pragma once

#include "base/digest.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace hearth::registry {

/// A model's name: `[scheme://][host/][namespace/…]model[:tag][@sha256:…]` (design section 4).
/// A value that passed the grammar; text that did not never becomes a path, URL or SQL row.
struct ModelRef {
    enum class Kind {
        oci,  ///< any registry that speaks the distribution API, Ollama's included
        hub,  ///< hf.co: by the Hub's own API
        url,  ///< one file: https://…/x.gguf (http on loopback)
        file, ///< one local file: file:///…
        local ///< a name in this store only, host "local": what file and url pulls are called afterwards
    };
    Kind kind = Kind::oci;
    std::string scheme;     ///< "https", "http" (loopback only), "file"; empty means https
    std::string host;       ///< "registry.ollama.ai", "127.0.0.1:5000", "local"
    std::string repository; ///< namespace and model: "library/llama3.2", "org/team/model"; for url and file the path
    std::string tag;        ///< "latest" when not given; empty for url and file
    std::optional<Digest> pin;

    /// @param default_registry  host of names without one
    /// @throws Error  bad_reference, saying which part
    static ModelRef parse(std::string_view text, std::string_view default_registry = "registry.ollama.ai");

    /// Full form, always printed to people: "registry.ollama.ai/library/llama3.2:latest".
    std::string full_name() const;
    /// Shortest form that parses back to the same: "llama3.2:latest", "127.0.0.1:5000/library/x:q4", "stories260K:latest" (local).
    std::string short_name() const;
    /// The name under which a url or file model is kept: host "local", repository = file stem without shard suffix, tag latest.
    ModelRef local_name() const;

    /// Names compare without ASCII case; the case typed is kept for display.
    bool same_model(const ModelRef& other) const;
};

} // namespace hearth::registry
