#pragma once

#include "base/config.hpp"
#include "base/unique_fd.hpp"
#include "daemon/http/listen_sockets.hpp"
#include "daemon/http/tls/certificate.hpp"
#include "process/spawn.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace hearth::daemon {

/// What `main` prepares while the process is still free: before threads, before the lock.
struct Inherited {
    Config config;                      ///< with what the command line says over it
    std::vector<ConfigRow> config_rows; ///< who set what in `config`, the command line left out
    std::vector<http::ListenSocket> sockets;
    std::unique_ptr<http::Certificate> certificate; ///< for addresses beyond this machine; may be null
    UniqueFd launcher_socket;
    process::Child launcher;
};

/// The whole service: owns every part in the order of their dependencies, starts and stops them. On the io
/// executor; the process is locked when it is made. `stop` is awaited before destruction.
class Daemon {
  public:
    /// Opens the store and reads the plugins' manifests; blocking, once.
    /// @throws Error  store_locked, store_failed
    Daemon(boost::asio::any_io_executor executor, Inherited inherited);
    ~Daemon();
    Daemon(const Daemon&) = delete;

    /// Returns when clients are answered.
    boost::asio::awaitable<void> start();
    /// Returns when nobody has used the service for so long, no model is loaded and the page's door is
    /// closed. Who watches (the event stream, status) does not use it.
    boost::asio::awaitable<void> wait_until_idle(std::chrono::steady_clock::duration limit);
    /// For a service manager: "2 models loaded, 1 request".
    std::string summary() const;
    /// Ends pulls and event streams at once, lets answers finish for ten seconds, then ends everything.
    boost::asio::awaitable<void> stop();

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

} // namespace hearth::daemon
