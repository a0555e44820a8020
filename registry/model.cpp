#include "registry/model.hpp"

#include "base/sha256.hpp"

#include <fmt/format.h>

namespace hearth::registry {

const char* role_name(FileRole role) noexcept {
    switch (role) {
    case FileRole::model:
        return "model";
    case FileRole::projector:
        return "mmproj";
    case FileRole::adapter:
        return "adapter";
    case FileRole::draft:
        return "draft";
    }
    return "model";
}

std::string Model::files_key() const {
    std::string text;
    for (const ModelFile& file : files)
        text += fmt::format("{} {} {}/{}\n", file.digest.hex(), role_name(file.role), file.shard, file.of);
    return sha256_of(text).hex();
}

} // namespace hearth::registry
