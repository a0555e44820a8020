#pragma once

#include <cstdint>
#include <filesystem>

namespace hearth::registry {

/// Free space that a pull or a quantization leaves on the disk.
inline constexpr std::uint64_t default_reserve_bytes = std::uint64_t{64} << 20;

/// Says "disk full" before the work, with the numbers. Blocking.
/// @throws Error  disk_full: fewer than `need` bytes are free beside `reserve`; store_failed
void expect_space(const std::filesystem::path& folder, std::uint64_t need,
                  std::uint64_t reserve = default_reserve_bytes);

} // namespace hearth::registry
