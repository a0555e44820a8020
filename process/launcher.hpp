#pragma once

#include "base/unique_fd.hpp"
#include "process/spawn.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <utility>

namespace hearth::process {

/// Forks the launcher: a copy of this process that stays outside the lock and does nothing but start
/// `hearth-fetch` and listen on 127.0.0.1 (and later start remote runners) when the core asks. Must be called before
/// any thread exists and before `enter_sandbox`. The launcher exits when the core's end closes.
/// @return  the core's end of the wire, and the launcher's pid
/// @throws Error  internal
std::pair<UniqueFd, Child> fork_launcher();

namespace wire {
class Connection;
}

/// The core's view of the launcher. One executor.
class Launcher {
  public:
    Launcher(boost::asio::any_io_executor executor, UniqueFd socket, Child child);
    ~Launcher();

    boost::asio::awaitable<void> start();
    boost::asio::awaitable<void> stop();
    /// Starts a new hearth-fetch. @return our end of its wire @throws Error registry_unreachable
    boost::asio::awaitable<UniqueFd> start_fetch();
    /// @return a TCP socket that listens on a free port of 127.0.0.1
    /// @throws Error address_taken, internal
    boost::asio::awaitable<UniqueFd> listen_on_loopback();

  private:
    /// The one descriptor that an operation answers with; invalid when the launcher is gone.
    boost::asio::awaitable<UniqueFd> call(std::string operation);

    std::unique_ptr<wire::Connection> connection_;
    Child child_;
};

} // namespace hearth::process
