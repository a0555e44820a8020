#pragma once

#include "base/async/blocking.hpp"
#include "base/async/event.hpp"
#include "base/async/task_group.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <filesystem>

namespace hearth::registry {
class Catalog;
class PullEngine;
} // namespace hearth::registry

namespace hearth::daemon {

/// Puts Ember, the model that comes with the program, into the store at the first start, and a newer one in its
/// place after an update. What a user removed stays away until `hearth pull ember`; a model of the user's own that
/// has the name stays. `data/shipped.json` remembers what was done. Where it fails the log says why, and the next
/// start tries again. On the io executor.
class ShippedModel {
  public:
    ShippedModel(boost::asio::any_io_executor executor, registry::PullEngine& pulls,
                 registry::Catalog& catalog, BlockingPool& disk, std::filesystem::path note);
    ShippedModel(const ShippedModel&) = delete;

    /// Begins; nothing of the start waits for it.
    void start();
    /// Returns when the store has it, or is known not to get it now.
    boost::asio::awaitable<void> settled();
    boost::asio::awaitable<void> stop();

  private:
    boost::asio::awaitable<void> install();
    boost::asio::awaitable<void> bring();

    registry::PullEngine& pulls_;
    registry::Catalog& catalog_;
    BlockingPool& disk_;
    std::filesystem::path note_;
    bool done_ = false;
    AsyncEvent settled_;
    TaskGroup tasks_;
};

} // namespace hearth::daemon
