#pragma once

#include "tests/base/temporary_dir.hpp"

#include <filesystem>
#include <fstream>
#include <string>

namespace hearth::testing {

/// A folder that stands for "/": what a test writes there is all that the machine says.
class FakeRoot {
  public:
    void write(const std::string& path, const std::string& text) {
        const std::filesystem::path file = dir_.path() / path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }
    /// Kibibytes, as the kernel writes them.
    void write_meminfo(std::uint64_t total, std::uint64_t available, const std::string& more = {}) {
        write("proc/meminfo", "MemTotal:       " + std::to_string(total) +
                                  " kB\nMemFree:          1000 kB\nMemAvailable:   " +
                                  std::to_string(available) + " kB\n" + more);
    }
    const std::filesystem::path& path() const { return dir_.path(); }

  private:
    TemporaryDir dir_;
};

} // namespace hearth::testing
