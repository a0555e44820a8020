#include "registry/shipped_models.hpp"

#include "base/paths.hpp"

#include <cstdlib>
#include <system_error>

namespace hearth::registry {

std::filesystem::path shipped_models_dir() {
    const char* own = std::getenv("HEARTH_MODELS");
    if (own != nullptr && *own != '\0') {
        return own;
    }
    return paths::sibling_program("hearthd").parent_path().parent_path() / "lib/hearth/models";
}

std::optional<std::filesystem::path> shipped_model(std::string_view name) {
    constexpr std::string_view latest = ":latest";
    if (name.ends_with(latest)) {
        name.remove_suffix(latest.size());
    }
    if (name != ember_name) {
        return std::nullopt;
    }
    std::filesystem::path file = shipped_models_dir() / "ember.gguf";
    std::error_code absent;
    if (!std::filesystem::is_regular_file(file, absent)) {
        return std::nullopt;
    }
    return file;
}

} // namespace hearth::registry
