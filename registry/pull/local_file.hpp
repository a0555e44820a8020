#pragma once

#include "base/digest.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace hearth::registry {

class PartialBlob;

/// A file that somebody asked to take into the store: opened once, never followed by name again. Blocking.
class LocalFile {
  public:
    /// @throws Error  model_not_found; invalid_argument (a folder, device, pipe); model_invalid (not a GGUF);
    /// store_failed
    explicit LocalFile(const std::filesystem::path& path);

    const std::string& name() const noexcept { return name_; }
    std::uint64_t size() const noexcept { return size_; }
    /// sha256 over path, inode, size and times: another version of the file has another key.
    Digest key() const;

    /// Bytes from an offset on; fewer at the end of the file. @throws Error  store_failed
    std::string read(std::uint64_t from, std::uint64_t bytes) const;
    /// Copies at most `limit` bytes from the partial's offset on. @return false when the file is complete
    bool copy_some(PartialBlob& partial, std::uint64_t limit) const;
    /// @throws Error  model_invalid when the file changed since it was opened
    void expect_unchanged() const;

  private:
    std::string state() const;

    std::filesystem::path path_;
    std::string name_;
    UniqueFd fd_;
    std::uint64_t size_ = 0;
    std::string state_;
};

} // namespace hearth::registry
