#include "registry/pull/source_index.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"

namespace hearth::registry {

std::optional<Digest> SourceIndex::find(const Digest& key) const {
    const std::filesystem::path file = folder_ / key.hex();
    std::error_code none;
    if (!std::filesystem::exists(file, none)) {
        return std::nullopt;
    }
    return Digest::try_parse(read_file(file, 128));
}

void SourceIndex::record(const Digest& key, const Digest& content) const {
    std::error_code failure;
    std::filesystem::create_directory(folder_, failure);
    write_file_atomically(folder_ / key.hex(), content.text());
}

void SourceIndex::forget(const Digest& key) const {
    std::error_code none;
    std::filesystem::remove(folder_ / key.hex(), none);
}

} // namespace hearth::registry
