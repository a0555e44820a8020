#pragma once

#include "base/unique_fd.hpp"

#include <stop_token>
#include <thread>
#include <vector>

namespace hearth::runtime {

/// Lets the kernel read a model's files into its cache from first to last byte, while an engine still parses headers and
/// builds its vocabulary: page faults alone keep a disk at a fraction of its speed. Costs next to nothing when the files
/// are in the cache. The thread ends with the object.
class ReadAhead {
  public:
    /// @param files  open and in the order of reading; they stay open as long as this object lives
    explicit ReadAhead(const std::vector<UniqueFd>& files);
    ~ReadAhead() = default;
    ReadAhead(const ReadAhead&) = delete;

  private:
    static void read(const std::stop_token& stop, const std::vector<int>& descriptors);

    std::jthread thread_;
};

} // namespace hearth::runtime
