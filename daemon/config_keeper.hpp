#pragma once

#include "base/async/blocking.hpp"
#include "base/async/task_group.hpp"
#include "base/config.hpp"
#include "base/json.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace hearth::daemon {

/// The configuration while the service runs. Reads the files again when one of them changes and on SIGHUP; new values
/// count for what begins after that. When a file is wrong all old values stay, which the log, the event
/// `config.problem` and `problem()` say. Changes the user's file for `hearth config set`.
/// Owned by the daemon, on the io executor, where everybody reads the Config that it changes; files are read on the
/// pool. `stop()` is awaited before destruction.
class ConfigKeeper {
  public:
    struct Seams {
        std::function<void(const Config&)> check; ///< throws Error when values are wrong that the table takes
        std::function<void(const std::string& type, const Json& data)> tell;
    };

    /// @param config   as it is in force; changed by `reload`
    /// @param rows     who set what when the service started
    ConfigKeeper(boost::asio::any_io_executor executor, Config& config, std::vector<ConfigRow> rows,
                 BlockingPool& disk, Seams seams);
    ConfigKeeper(const ConfigKeeper&) = delete;

    /// Begins to watch the files and for SIGHUP.
    void start();
    boost::asio::awaitable<void> stop();

    /// Reads the files now. Wrong ones are no exception: see `problem`.
    boost::asio::awaitable<void> reload();
    const std::vector<ConfigRow>& rows() const noexcept { return rows_; }
    /// Why the files are not in force; empty: they are.
    const std::string& problem() const noexcept { return problem_; }
    /// Whether the row has another value than the service started with, and needs a restart to count.
    bool waits_for_restart(const ConfigRow& row) const;

    /// Writes one key into the user's file, and reads it. Everything else in the file stays as it was.
    /// @param value  TOML or a bare word; nothing: removes the key
    /// @throws Error  invalid_argument: no such key, a wrong value, or the files were wrong before; unsupported;
    /// store_failed, disk_full
    boost::asio::awaitable<void> set(std::string key, std::optional<std::string> value);

  private:
    boost::asio::awaitable<void> watch_files();
    boost::asio::awaitable<void> wait_for_signal();
    void take(LoadedConfig loaded);

    boost::asio::any_io_executor executor_;
    Config& config_;
    std::vector<ConfigRow> rows_;
    std::map<std::string, std::string> at_start_; ///< values that only a restart changes
    BlockingPool& disk_;
    Seams seams_;
    std::string problem_;
    TaskGroup tasks_;
};

/// The value that counts.
const std::string& value_of(const ConfigRow& row);

} // namespace hearth::daemon
