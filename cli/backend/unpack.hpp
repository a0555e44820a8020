#pragma once

#include <cstdint>
#include <filesystem>

namespace hearth::cli::backend {

/// The most that a package may hold. A CUDA library has some hundred megabytes.
struct UnpackLimits {
    std::uint64_t bytes = std::uint64_t{4} << 30; ///< of all files together, unpacked
    std::uint64_t entries = 4096;
};

/// Unpacks a package as npm packs them: a tar, usually compressed with gzip, with one folder on top, whose content is written
/// below `folder`. Takes regular files and folders alone: an archive with a link, a device, a path that climbs, a path that
/// comes twice, or more than the limits is refused at that entry, and what was written until then is the caller's to remove.
/// Files get the mode 0644 and are durable when this returns. Blocking.
/// @param archive_fd  read from where it stands
/// @param folder      exists, is empty, and nobody else writes there
/// @throws Error  backend_failed: such an entry, a damaged or truncated archive, or none at all; too_large; disk_full;
/// store_failed
void unpack_package(int archive_fd, const std::filesystem::path& folder, const UnpackLimits& limits = {});

} // namespace hearth::cli::backend
