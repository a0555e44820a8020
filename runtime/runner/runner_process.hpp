#pragma once

#include "base/async/event.hpp"
#include "base/async/task_group.hpp"
#include "base/error.hpp"
#include "process/spawn.hpp"
#include "process/wire/connection.hpp"
#include "runtime/runner/plugin_manifest.hpp"
#include "runtime/runner/runner.hpp"

#include <nlohmann/json.hpp>

#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hearth::runtime {

/// How a runner ended. Shared by the runner and its streams: a stream may ask after its runner is gone.
struct RunnerExit {
    explicit RunnerExit(boost::asio::any_io_executor executor) : ended(executor) {}
    std::optional<std::string> text; ///< "signal 9 (Killed)"; set once the process is reaped
    bool requested = false;          ///< we asked for the end
    AsyncEvent ended;
};

/// Waits for the end of the process. @return what `Runner::wait_exit` returns
boost::asio::awaitable<std::string> wait_for(std::shared_ptr<RunnerExit> exit);

/// Turns a lost connection into what happened: `cancelled` when we ended the runner, else runner_lost with
/// how it died.
boost::asio::awaitable<Error> explain_loss(std::shared_ptr<RunnerExit> exit);

/// A private folder for one runner, removed with the object (after the process has ended).
class ScratchFolder {
  public:
    /// A new folder in runtime_dir()/scratch. @throws Error store_failed
    ScratchFolder();
    ~ScratchFolder();
    ScratchFolder(ScratchFolder&&) = delete;
    const std::filesystem::path& path() const noexcept { return path_; }

  private:
    std::filesystem::path path_;
};

/// A real `hearth-runner`. On the io executor. `stop()` must have returned before it is destroyed.
class RunnerProcess final : public Runner {
  public:
    /// Starts the program; `start` then waits for its hello. @throws Error backend_failed
    RunnerProcess(boost::asio::any_io_executor executor, const PluginManifest& plugin);

    boost::asio::awaitable<void> start();
    /// One call to the runner, with its progress. @return what the plugin answered
    /// @throws Error  what the runner said; when its process has ended, how
    boost::asio::awaitable<Json> call(std::string head, std::vector<UniqueFd> descriptors,
                                      std::function<void(std::string, double)> progress);
    boost::asio::awaitable<void> load(LoadSpec spec, std::vector<registry::OpenModelFile> files,
                                      std::function<void(std::string, double)> progress) override;
    boost::asio::awaitable<Json> estimate(LoadSpec spec, std::vector<registry::OpenModelFile> files,
                                          std::vector<PretendedDevice> pretend) override;
    boost::asio::awaitable<std::unique_ptr<RequestStream>> request(std::string operation,
                                                                   std::string body) override;
    boost::asio::awaitable<Json> ask(std::string head, std::vector<UniqueFd> files) override;
    const Json& info() const override { return info_; }
    pid_t pid() const override { return pid_; }
    bool alive() const override { return !exit_->text && connection_->is_open(); }
    boost::asio::awaitable<std::string> wait_exit() override { return wait_for(exit_); }
    boost::asio::awaitable<void> stop() override;
    /// Ends the process without asking it; `stop` then collects it.
    void kill() const noexcept { child_.signal(SIGKILL); }

  private:
    static boost::asio::awaitable<Json> receive_answer(process::wire::Stream stream,
                                                       std::function<void(std::string, double)> progress);
    boost::asio::awaitable<void> watch();
    boost::asio::awaitable<void> reap();

    boost::asio::any_io_executor executor_;
    ScratchFolder scratch_;
    process::Child child_;
    pid_t pid_ = -1;
    std::unique_ptr<process::wire::Connection> connection_;
    std::shared_ptr<RunnerExit> exit_;
    Json info_ = nullptr;
    TaskGroup tasks_;
    bool stopping_ = false;
    bool stopped_ = false;
    AsyncEvent stop_done_;
};

/// Starts the program and waits for its hello. @throws Error backend_failed
boost::asio::awaitable<std::unique_ptr<RunnerProcess>>
start_runner_process(boost::asio::any_io_executor executor, PluginManifest plugin);

} // namespace hearth::runtime
