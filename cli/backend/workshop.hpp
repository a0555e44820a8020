#pragma once

#include "base/unique_fd.hpp"

#include <filesystem>

namespace hearth::cli::backend {

/// The right to change the user's plugin folder, and a folder in it that is gone in the end: what is installed is made there
/// and then moved, so that nothing half done is ever seen. What a killed command has left is removed by the next one.
class Workshop {
  public:
    /// @param plugins  the user's plugin folder; created when it is not there
    /// @throws Error  busy: another command has the right; store_failed
    explicit Workshop(const std::filesystem::path& plugins);
    ~Workshop();
    Workshop(const Workshop&) = delete;

    /// Ours alone (0700), empty at first.
    const std::filesystem::path& folder() const noexcept { return folder_; }

  private:
    UniqueFd lock_;
    std::filesystem::path folder_;
};

} // namespace hearth::cli::backend
