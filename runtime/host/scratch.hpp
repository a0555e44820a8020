#pragma once

#include <filesystem>

namespace hearth::runtime {

/// The runner's private folder, 0700: $HEARTH_SCRATCH, made and removed by the parent (a killed runner cannot
/// clean up), else one of our own under $TMPDIR or /tmp, removed by the destructor. TMPDIR and the GPU
/// drivers' cache variables point to it from then on.
class Scratch {
  public:
    /// @throws Error  backend_failed
    Scratch();
    ~Scratch();
    Scratch(const Scratch&) = delete;

    /// Removes the folder now, when it is one of our own.
    void remove() noexcept;
    const std::filesystem::path& path() const noexcept { return path_; }

  private:
    std::filesystem::path path_;
    bool ours_ = false;
};

} // namespace hearth::runtime
