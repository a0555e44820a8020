#pragma once

#include "base/async/blocking.hpp"
#include "registry/model.hpp"
#include "registry/model_shape.hpp"

#include <boost/asio/awaitable.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace hearth::registry {

class BlobStore;

/// What the files of an installed model say about memory.
struct StoredShapes {
    ModelShape model;
    std::optional<SideFileShape> projector;
    std::optional<SideFileShape> draft;
};

/// Reads the shapes of installed models from their headers and remembers the last few: blobs never change. On
/// the io executor; the reading runs on the pool. Owned by the daemon.
class ShapeReader {
  public:
    ShapeReader(const BlobStore& blobs, BlockingPool& disk) : blobs_(blobs), disk_(disk) {}

    /// @throws Error  model_invalid: a header that no model has; corrupt_blob: a file is missing
    boost::asio::awaitable<std::shared_ptr<const StoredShapes>> read(Model model);

  private:
    static constexpr std::size_t remembered = 32;

    const BlobStore& blobs_;
    BlockingPool& disk_;
    /// By Model::files_key, newest first. Shared: an answer may outlive its place here.
    std::deque<std::pair<std::string, std::shared_ptr<const StoredShapes>>> known_;
};

} // namespace hearth::registry
