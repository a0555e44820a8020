#pragma once

#include "base/digest.hpp"

#include <cstdint>
#include <filesystem>

namespace hearth::registry {

/// The last steps of the commit protocol, for bytes that are known to be right: fsync → 0444 → rename without
/// replace → fsync of the folder, and of its parent when it is new. A blob of the same size that is there
/// already wins, and `from` is deleted.
///
/// @param fd    the open file behind `from`
/// @param from  in the same filesystem as `to`
/// @throws Error  disk_full, store_failed; `from` is left as it is
void publish_file(int fd, const std::filesystem::path& from, const std::filesystem::path& to,
                  std::uint64_t size);

} // namespace hearth::registry
