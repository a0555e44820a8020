#include "registry/blobs/publish.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"

#include <cerrno>
#include <fcntl.h>
#include <stdio.h> // renameat2
#include <sys/stat.h>
#include <unistd.h>

namespace hearth::registry {
namespace {

using std::filesystem::path;

/// @return  true when the folder was made here
bool ensure_folder(const path& folder) {
    if (::mkdir(folder.c_str(), 0700) == 0)
        return true;
    if (errno != EEXIST)
        throw system_error(errno, "creating folder " + folder.string());
    return false;
}

/// @return  0, or the errno: EEXIST when `to` is there
int rename_without_replace(const path& from, const path& to) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    // A filesystem without that flag (some network and FUSE ones): a hard link does not replace either.
    if (::link(from.c_str(), to.c_str()) != 0)
        return errno;
    ::unlink(from.c_str());
    return 0;
}

/// Something has the name already. The same size: the blob, verified when it came, stays. Another size:
/// damage, ours replaces it.
void settle_existing(const path& from, const path& to, std::uint64_t size) {
    struct stat status{};
    const bool good = ::lstat(to.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
                      static_cast<std::uint64_t>(status.st_size) == size;
    if (good)
        ::unlink(from.c_str());
    else if (::rename(from.c_str(), to.c_str()) != 0)
        throw system_error(errno, "replacing the damaged " + to.string());
}

} // namespace

void publish_file(int fd, const path& from, const path& to, std::uint64_t size) {
    const std::string doing = "publishing " + to.string();
    if (::fsync(fd) != 0 || ::fchmod(fd, 0444) != 0)
        throw system_error(errno, doing);
    const path folder = to.parent_path();
    const bool folder_is_new = ensure_folder(folder);
    const int result = rename_without_replace(from, to);
    if (result == EEXIST)
        settle_existing(from, to, size);
    else if (result != 0)
        throw system_error(result, doing);
    sync_directory(folder);
    if (folder_is_new)
        sync_directory(folder.parent_path());
}

} // namespace hearth::registry
