#pragma once

#include "plugins/abi/hearth_backend.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::sdk {

/// Whole file. @throws Violation
std::string read_whole(const std::filesystem::path& path);

/// The files of a model, open as a runner would hand them over: shards in the order given. Closes them.
class OpenFiles {
  public:
    /// @throws Violation when one cannot be opened
    explicit OpenFiles(const std::vector<std::filesystem::path>& paths);
    /// One nameless file with that content.
    explicit OpenFiles(std::string_view content);
    ~OpenFiles();
    OpenFiles(const OpenFiles&) = delete;
    const std::vector<hearth_file>& list() const noexcept { return files_; }

  private:
    std::vector<hearth_file> files_;
};

} // namespace hearth::sdk
