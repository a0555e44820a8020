#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace hearth {

/// fsync of a folder, so that a rename in it survives a power cut. @throws Error store_failed
void sync_directory(const std::filesystem::path& directory);

/// Temporary file beside `path`, written, fsynced, renamed over it, folder fsynced. @throws Error disk_full,
/// store_failed
void write_file_atomically(const std::filesystem::path& path, std::string_view content, unsigned mode = 0600);

/// Whole file. @throws Error store_failed; too_large above `limit`
std::string read_file(const std::filesystem::path& path, std::uint64_t limit = 64u << 20);

} // namespace hearth
