#pragma once

#include "base/async/blocking.hpp"
#include "base/async/event.hpp"
#include "daemon/http/request.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::daemon {

/// The model name that stands for another one.
constexpr std::string_view default_name = "default";

/// One choice: what `default` means for an app. `App::Source::unknown` with an empty name: for all apps.
struct DefaultModel {
    http::App app;
    std::string model; ///< short name
};

/// What the model name `default` means, for all apps or for one, in `data/defaults.json` (0600), of which this
/// process is the only writer. On the io executor.
class DefaultModels {
  public:
    /// Reads the file; blocking, once.
    /// @throws Error  store_failed: unreadable, damaged, made by a newer Hearth
    DefaultModels(boost::asio::any_io_executor executor, std::filesystem::path file, BlockingPool& disk);
    DefaultModels(const DefaultModels&) = delete;

    /// The model for this app: its own choice, else that for all apps.
    std::optional<std::string> meant_by(const http::App& app) const;
    /// The one for all apps first, then by name.
    const std::vector<DefaultModel>& all() const noexcept { return choices_; }

    /// Returns when it is durable. @throws Error  invalid_argument: too many; disk_full, store_failed
    boost::asio::awaitable<void> set(DefaultModel choice);
    /// The same. @return the model that was chosen before; nullopt: none was
    boost::asio::awaitable<std::optional<std::string>> clear(http::App app);

  private:
    const DefaultModel* find(const http::App& app) const;
    boost::asio::awaitable<void> replace(std::vector<DefaultModel> choices);

    std::filesystem::path file_;
    BlockingPool& disk_;
    std::vector<DefaultModel> choices_;
    bool saving_ = false;
    AsyncEvent saved_;
};

/// What a user calls an app: a path is a program's file (links are followed, as the kernel does), any other text
/// a token's name, nothing all apps. Blocking.
/// @throws Error invalid_argument: no such program
http::App app_named(const std::string& text);

/// "all", "token", "program": what kind of app a choice is for.
std::string_view kind_name(http::App::Source source) noexcept;

} // namespace hearth::daemon
