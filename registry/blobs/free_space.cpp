#include "registry/blobs/free_space.hpp"

#include "base/config.hpp"
#include "base/error.hpp"

#include <fmt/format.h>

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>

namespace hearth::registry {

void expect_space(const std::filesystem::path& folder, std::uint64_t need, std::uint64_t reserve) {
    struct statvfs disk{};
    if (::statvfs(folder.c_str(), &disk) != 0)
        throw system_error(errno, "asking for free space in " + folder.string());
    const std::uint64_t free = disk.f_bavail * disk.f_frsize;
    const std::uint64_t usable = free - std::min(free, reserve);
    if (need > usable)
        throw Error(ErrorCode::disk_full,
                    fmt::format("{} more are needed in {}, {} are free", format_bytes(need), folder.string(),
                                format_bytes(usable)),
                    "free space, or point HEARTH_DATA at a larger disk");
}

} // namespace hearth::registry
