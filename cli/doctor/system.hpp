#pragma once

#include "process/program.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace hearth::cli::doctor {

/// What lies at a path, links not followed.
struct FileFacts {
    enum class Kind : std::uint8_t { file, folder, link, socket, other } kind = Kind::file;
    unsigned owner = 0; ///< user ID
    unsigned mode = 0;  ///< permission bits
    std::chrono::system_clock::time_point modified;
};

/// The disk under a path.
struct DiskFacts {
    std::uint64_t free_bytes = 0; ///< for us, not for root
    std::uint64_t total_bytes = 0;
    std::uint64_t free_files = 0; ///< inodes; the largest number where the file system has no limit
    bool read_only = false;
};

enum class ClockState : std::uint8_t { synchronised, free_running, unknown };

/// What the checks ask of this machine; tests put faults in its place. Nothing here throws: what cannot be found
/// out is absent.
class System {
  public:
    virtual ~System() = default;

    /// Absent also when it is empty.
    virtual std::optional<std::string> variable(const std::string& name) const = 0;
    virtual unsigned user_id() const = 0;
    virtual std::string user_name() const = 0;
    /// Our own program, links resolved.
    virtual std::filesystem::path program() const = 0;
    virtual std::optional<FileFacts> look(const std::filesystem::path& path) const = 0;
    /// Links resolved; absent when there is nothing.
    virtual std::optional<std::filesystem::path> resolve(const std::filesystem::path& path) const = 0;
    virtual bool may_execute(const std::filesystem::path& path) const = 0;
    virtual bool may_read_and_write(const std::filesystem::path& path) const = 0;
    virtual std::vector<std::filesystem::path> entries(const std::filesystem::path& folder) const = 0;
    /// A small file, such as those of /proc.
    virtual std::optional<std::string> read(const std::filesystem::path& path) const = 0;
    /// Of the nearest folder above that exists.
    virtual std::optional<DiskFacts> disk(const std::filesystem::path& path) const = 0;
    /// Absent when there is no such program.
    virtual std::optional<process::ProgramAnswer> ask(const std::vector<std::string>& words) const = 0;
    /// Why a TCP connection is not to be had; absent when it is. At most three seconds.
    virtual std::optional<std::string> connect_failure(const std::string& host,
                                                       const std::string& port) const = 0;
    virtual std::chrono::system_clock::time_point now() const = 0;
    virtual ClockState clock_state() const = 0;
};

} // namespace hearth::cli::doctor
