#pragma once

#include "runtime/memory/machine.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace hearth::runtime::memory {

/// What a measurement holds for: another CPU or another engine is another machine.
struct SpeedKey {
    std::string cpu;
    int cores = 1;
    std::string engines; ///< names, versions and digests of the backends

    bool operator==(const SpeedKey&) const = default;
};

/// One measurement, as the file keeps it.
struct SpeedRecord {
    SpeedKey key;
    Speeds speeds;
    std::string measured_at; ///< RFC 3339
};

/// The record in `file`; nullopt when there is none, it cannot be read, or it was made for another key.
/// Blocking.
std::optional<SpeedRecord> read_speeds(const std::filesystem::path& file, const SpeedKey& key);
/// Replaces the file. Blocking. @throws Error disk_full, store_failed
void write_speeds(const std::filesystem::path& file, const SpeedRecord& record);

} // namespace hearth::runtime::memory
