#pragma once

#include "base/async/blocking.hpp"
#include "registry/db/connection.hpp"

#include <boost/asio/awaitable.hpp>

#include <filesystem>
#include <memory>
#include <type_traits>
#include <utility>

namespace hearth::registry {

/// The index `data/index.db` on a thread of its own: one connection, one thread, so that a closure is never
/// interleaved with another (style A8). The thread and the connection start at the first `run`, so that an
/// idle service stays small. Owned by the daemon; destroyed after everything that awaits it.
class Database {
  public:
    /// Touches nothing yet. The folder must exist.
    explicit Database(std::filesystem::path file);
    ~Database();
    Database(const Database&) = delete;

    /// Runs `work(Connection&)` on the database's thread and resumes on the caller's executor with its
    /// result. A whole transaction is one closure. Call from one thread. Name the closure before the co_await
    /// (style A1).
    /// @throws Error  store_failed, disk_full, and what `work` throws
    template <class Work> boost::asio::awaitable<std::invoke_result_t<Work, Connection&>> run(Work work) {
        auto job = [this, work = std::move(work)]() mutable { return work(connection()); };
        return run_blocking(thread(), std::move(job));
    }

  private:
    BlockingPool& thread();
    Connection& connection(); // on the database's thread

    std::filesystem::path file_;
    std::unique_ptr<Connection> connection_;
    std::unique_ptr<BlockingPool> thread_; // destroyed (joined) before the connection
};

} // namespace hearth::registry
