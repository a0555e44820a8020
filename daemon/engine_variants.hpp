#pragma once

#include "base/async/blocking.hpp"
#include "base/async/event.hpp"
#include "runtime/runner/variant_record.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace hearth::daemon {

/// Which variants of the backends' engines are not used on this machine: the record of them while the service runs. On the io
/// executor.
class EngineVariants {
  public:
    EngineVariants(boost::asio::any_io_executor executor, BlockingPool& disk, std::filesystem::path file);
    EngineVariants(const EngineVariants&) = delete;

    /// The plugins as they are to be started. Blocking, once, at the start.
    std::vector<runtime::PluginManifest> apply(std::vector<runtime::PluginManifest> plugins);
    /// Best first.
    std::vector<runtime::SetAside> set_aside(const std::string& backend) const;
    /// Replaces what is known of a backend. Where it cannot be written the log says so, and it holds until the service ends.
    boost::asio::awaitable<void> keep(runtime::PluginManifest plugin,
                                      std::vector<runtime::SetAside> variants);

    /// The right to look for a variant that works: one at a time. Given back when it goes.
    class Search {
      public:
        explicit Search(EngineVariants& owner) : owner_(owner) { owner_.searching_ = true; }
        ~Search() {
            owner_.searching_ = false;
            owner_.ended_.notify_all();
        }
        Search(const Search&) = delete;

      private:
        EngineVariants& owner_;
    };
    boost::asio::awaitable<std::unique_ptr<Search>> search();

  private:
    BlockingPool& disk_;
    std::filesystem::path file_;
    std::map<std::string, std::vector<runtime::SetAside>> set_aside_; ///< by backend
    bool searching_ = false;
    AsyncEvent ended_;
};

} // namespace hearth::daemon
