#pragma once

#include "registry/model_ref.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The shipped catalogue of well-known small models: the names that people type, and what they stand for exactly.
/// Values only.
namespace hearth::registry {

struct KnownModel {
    std::string name;                 ///< short: "llama3.2:1b"
    std::string full_name;            ///< "registry.ollama.ai/library/llama3.2:1b"
    std::vector<std::string> aliases; ///< other names that people type: "llama-3.2-1b"
    std::string title;                ///< what its publisher calls it
    std::string publisher;
    std::string parameters; ///< "1.2B"
    std::string license;
    std::vector<std::string> capabilities; ///< completion, tools, vision, thinking, embedding
};

/// All of them, read at the first call.
const std::vector<KnownModel>& known_models();

/// Models that match every word somewhere in their names, title, publisher, licence or capabilities, without case.
std::vector<KnownModel> search_known_models(const std::vector<std::string>& words);

/// As ModelRef::parse, but an alias of the catalogue gives the model that it stands for. Only where names without
/// a host mean Ollama's library: another default registry has its own names.
/// @throws Error  bad_reference
ModelRef resolve_name(std::string_view text, std::string_view default_registry);

/// The data, as it is embedded.
std::string_view known_models_json() noexcept;

} // namespace hearth::registry
