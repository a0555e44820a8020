#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace hearth::testing {

/// A fresh folder, removed with all it holds.
class TemporaryDir {
  public:
    TemporaryDir() {
        std::string name = (std::filesystem::temp_directory_path() / "hearth-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            std::abort();
        }
        path_ = name;
    }
    ~TemporaryDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryDir(const TemporaryDir&) = delete;

    const std::filesystem::path& path() const noexcept { return path_; }

  private:
    std::filesystem::path path_;
};

} // namespace hearth::testing
