#pragma once

#include "base/digest.hpp"
#include "registry/host.hpp"

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
    std::string scheme; ///< "https", "http" (loopback only, and the default there), "file"; empty for local
    std::string host; ///< lower case: "registry.ollama.ai", "127.0.0.1:5000", "[::1]:5000", "hf.co", "local"
    std::string repository; ///< namespace and model: "library/llama3.2", "org/team/model"; for url the path
                            ///< and query from
                            ///< "/", for file the absolute path, not percent-decoded
    std::string tag;        ///< "latest" when not given; empty for url and file
    std::optional<Digest> pin;

    /// The first segment is a host when it holds a dot or a colon, or is `localhost` or `local`; a scheme
    /// makes it one in any case, where `local` is refused. An https address whose path ends in `.gguf` is one file (Kind::url).
    /// @param default_registry  host of names without one, may carry a scheme
    /// @throws Error  bad_reference, saying which part
    static ModelRef parse(std::string_view text, std::string_view default_registry = "registry.ollama.ai");

    /// Full form, always printed to people: "registry.ollama.ai/library/llama3.2:latest".
    std::string full_name() const;
    /// Shortest form that parses back to the same: "llama3.2:latest", "127.0.0.1:5000/library/x:q4",
    /// "stories260K:latest" (local).
    /// @param default_registry  whose host (and namespace `library`) is left out
    std::string short_name(std::string_view default_registry = "registry.ollama.ai") const;
    /// The name under which a url or file model is kept: host "local", repository = file stem without shard
    /// suffix, tag latest.
    ModelRef local_name() const;

    /// Where file contents or manifests are asked for: "https://registry.ollama.ai", "http://127.0.0.1:5000";
    /// empty for file and local.
    std::string origin() const;

    /// Names compare without ASCII case; the case typed is kept for display.
    /// Scheme and pin do not matter.
    bool same_model(const ModelRef& other) const;
    bool operator==(const ModelRef&) const = default;
};

} // namespace hearth::registry
