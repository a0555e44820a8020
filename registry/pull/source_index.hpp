#pragma once

#include "base/digest.hpp"

#include <filesystem>
#include <optional>

namespace hearth::registry {

/// Remembers which content a url or file had: `data/sources/<64 hex of url + validator + size>` holds the
/// digest. Lets a second pull of an unchanged file end without a byte of traffic. Only a hint: an entry that
/// is lost or wrong costs a download, since what is fetched is hashed and what is there was hashed. Blocking;
/// run on the disk pool.
class SourceIndex {
  public:
    explicit SourceIndex(const std::filesystem::path& data_dir) : folder_(data_dir / "sources") {}

    std::optional<Digest> find(const Digest& key) const;
    void record(const Digest& key, const Digest& content) const;
    void forget(const Digest& key) const;

  private:
    std::filesystem::path folder_;
};

} // namespace hearth::registry
