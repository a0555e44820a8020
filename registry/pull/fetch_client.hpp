#pragma once

#include "base/async/event.hpp"
#include "base/async/task_group.hpp"
#include "base/unique_fd.hpp"
#include "registry/pull/fetcher.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace hearth::process::wire {
class Connection;
class Stream;
} // namespace hearth::process::wire

namespace hearth::registry {

/// Fetches through a `hearth-fetch` process, which is started when somebody asks and stopped when nobody did
/// for a while. When that process dies, transfers in progress throw registry_unreachable and the next `get`
/// starts another. Lives on the io executor; owned by the daemon, after the pull engine in stopping order.
class FetchClient : public Fetcher {
  public:
    /// Long enough for the next step of a pull, which then finds its connections open; a new process costs some ten
    /// milliseconds, an idle one eight megabytes.
    static constexpr std::chrono::seconds default_idle_limit{3};

    /// Starts a process and gives our end of its wire: `Launcher::start_fetch`.
    using Start = std::function<boost::asio::awaitable<UniqueFd>()>;

    FetchClient(boost::asio::any_io_executor executor, Start start,
                std::chrono::steady_clock::duration idle_limit = default_idle_limit);
    ~FetchClient() override;

    boost::asio::awaitable<std::unique_ptr<FetchResponse>> get(FetchRequest request) override;

    /// Ends the process and waits for our own coroutines. Responses still held throw on their next read.
    boost::asio::awaitable<void> stop();

    bool is_running() const noexcept { return connection_ != nullptr; }

    /// Transfers that are not over, and when the last one was. Shared with responses, which may outlive the
    /// client.
    struct Activity {
        int transfers = 0;
        std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
    };

  private:
    using ConnectionPtr =
        std::shared_ptr<process::wire::Connection>; // a caller keeps it over a restart by another

    boost::asio::awaitable<ConnectionPtr> ensure_connection();
    boost::asio::awaitable<ConnectionPtr> connect();
    boost::asio::awaitable<void> watch(ConnectionPtr connection);

    boost::asio::any_io_executor executor_;
    Start start_;
    std::chrono::steady_clock::duration idle_limit_;
    std::shared_ptr<Activity> activity_ = std::make_shared<Activity>();
    ConnectionPtr connection_;
    bool starting_ = false;
    bool stopping_ = false;
    AsyncEvent started_;
    TaskGroup tasks_;
};

} // namespace hearth::registry
