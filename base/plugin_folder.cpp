#include "base/plugin_folder.hpp"

#include <algorithm>
#include <iterator>
#include <system_error>

namespace hearth {

namespace fs = std::filesystem;

namespace {

bool is_manifest(const fs::path& path) {
    return path.extension() == ".json" && path.filename().string().starts_with("backend-");
}

std::vector<fs::path> entries_of(const fs::path& folder) {
    std::vector<fs::path> entries;
    std::error_code failed;
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
        entries.push_back(at->path());
    }
    std::ranges::sort(entries);
    return entries;
}

} // namespace

std::vector<fs::path> plugin_manifests_in(const fs::path& folder) {
    std::vector<fs::path> found = entries_of(folder);
    std::erase_if(found, [](const fs::path& path) { return !is_manifest(path); });
    return found;
}

std::vector<fs::path> plugin_manifests_below(const fs::path& folder) {
    std::vector<fs::path> found;
    for (const fs::path& entry : entries_of(folder)) {
        std::error_code failed;
        if (is_manifest(entry)) {
            found.push_back(entry);
        } else if (fs::is_directory(entry, failed)) {
            std::ranges::copy(plugin_manifests_in(entry), std::back_inserter(found));
        }
    }
    return found;
}

} // namespace hearth
