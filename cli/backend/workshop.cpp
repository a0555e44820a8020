#include "cli/backend/workshop.hpp"

#include "base/error.hpp"
#include "base/paths.hpp"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace hearth::cli::backend {

namespace fs = std::filesystem;

namespace {

constexpr const char* staging = ".staging-";
constexpr const char* gone = ".gone-";

/// The data folder has to be ours alone; the plugin folder in it may be one that somebody made by hand.
UniqueFd lock_folder(const fs::path& plugins) {
    paths::ensure_private_dir(plugins.parent_path());
    if (::mkdir(plugins.c_str(), 0700) != 0 && errno != EEXIST) {
        throw system_error(errno, "creating folder " + plugins.string());
    }
    UniqueFd folder(::open(plugins.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) {
        throw system_error(errno, "opening folder " + plugins.string());
    }
    if (::flock(folder.get(), LOCK_EX | LOCK_NB) != 0) {
        throw Error(ErrorCode::busy, "another hearth backend is at work", "try again when it has ended");
    }
    return folder;
}

void remove_leftovers(const fs::path& plugins) {
    std::vector<fs::path> old;
    std::error_code failed;
    for (fs::directory_iterator at(plugins, failed), end; !failed && at != end; at.increment(failed)) {
        const std::string name = at->path().filename().string();
        if (name.starts_with(staging) || name.starts_with(gone)) {
            old.push_back(at->path());
        }
    }
    for (const fs::path& path : old) {
        fs::remove_all(path, failed);
    }
}

} // namespace

Workshop::Workshop(const fs::path& plugins) : lock_(lock_folder(plugins)) {
    remove_leftovers(plugins);
    std::string name = (plugins / (std::string(staging) + "XXXXXX")).string();
    if (::mkdtemp(name.data()) == nullptr) {
        throw system_error(errno, "creating a folder in " + plugins.string());
    }
    folder_ = name;
}

Workshop::~Workshop() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

} // namespace hearth::cli::backend
