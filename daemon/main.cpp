#include "base/async/event.hpp"
#include "base/async/timeout.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/paths.hpp"
#include "daemon/arguments.hpp"
#include "daemon/daemon.hpp"
#include "daemon/doors.hpp"
#include "daemon/notify.hpp"
#include "process/launcher.hpp"
#include "process/sandbox.hpp"
#include "protocol/error_table.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <span>

namespace {

namespace asio = boost::asio;
using namespace hearth; // NOLINT(google-build-using-namespace): this file is the program, nothing includes it

constexpr int exit_taken = 75; // EX_TEMPFAIL: another daemon owns the socket or the data

/// Small and steady: few arenas, and large blocks go back to the system when they are freed.
void tune_memory() {
    ::mallopt(M_ARENA_MAX, 2);
    ::mallopt(M_MMAP_THRESHOLD, 256 << 10);
    ::mallopt(M_TRIM_THRESHOLD, 256 << 10);
}

/// systemd's sockets, our own where it gave none, and the TCP addresses that were asked for.
std::vector<daemon::http::ListenSocket> open_sockets(const ServerConfig& server) {
    using daemon::http::Access;
    std::vector<daemon::http::ListenSocket> sockets = daemon::http::take_systemd_sockets();
    for (const auto& socket : sockets) {
        if (socket.endpoint) {
            daemon::check_reach(*socket.endpoint, server);
        }
    }
    for (daemon::http::ListenSocket& door : daemon::open_doors(server)) {
        sockets.push_back(std::move(door));
    }
    const std::filesystem::path directory = paths::runtime_dir();
    for (const auto& [access, name] :
         {std::pair{Access::full, "api.sock"}, std::pair{Access::infer, "infer.sock"}}) {
        const bool there = std::ranges::any_of(sockets, [wanted = access](const auto& socket) {
            return !socket.endpoint && socket.access == wanted;
        });
        if (!there) {
            sockets.push_back(daemon::http::bind_socket(directory / name, access));
        }
    }
    return sockets;
}

/// The socket files that we made: removed at the end, also of a start that fails, while we still own the lock.
class OwnPaths {
  public:
    explicit OwnPaths(const std::vector<daemon::http::ListenSocket>& sockets) {
        for (const auto& socket : sockets) {
            if (!socket.inherited && !socket.endpoint) {
                paths_.push_back(socket.path);
            }
        }
    }
    OwnPaths(const OwnPaths&) = delete;
    ~OwnPaths() {
        for (const auto& path : paths_) {
            std::error_code ignored;
            std::filesystem::remove(path, ignored);
        }
    }

  private:
    std::vector<std::filesystem::path> paths_;
};

/// Tells the service manager that the event loop turns, twice as often as it asks; never returns. A loop that hangs
/// says nothing, and is restarted.
asio::awaitable<void> feed_watchdog(const daemon::Daemon& service, const daemon::ServiceNotifier& notifier) {
    constexpr auto never = std::chrono::hours(24 * 365);
    for (;;) {
        notifier.send("WATCHDOG=1\nSTATUS=" + service.summary());
        co_await sleep_for(notifier.watchdog() ? *notifier.watchdog() / 2 : never);
    }
}

/// SIGTERM and SIGINT: the first asks for an orderly end, the second for one at once. On the io thread.
class EndSignals {
  public:
    explicit EndSignals(asio::io_context& io) : signals_(io, SIGTERM, SIGINT), heard_(io.get_executor()) {
        signals_.async_wait([this](boost::system::error_code error, int) {
            if (!error) {
                told_ = true;
                heard_.notify_all();
            }
        });
    }
    EndSignals(const EndSignals&) = delete;

    asio::awaitable<void> wait() {
        while (!told_) {
            co_await heard_.wait();
        }
    }
    /// Runners and launcher end with us.
    void exit_at_next() {
        signals_.async_wait([](boost::system::error_code error, int) {
            if (!error) {
                ::_exit(1);
            }
        });
    }

  private:
    asio::signal_set signals_;
    AsyncEvent heard_;
    bool told_ = false;
};

/// Why the service ends.
asio::awaitable<std::string> wait_for_end(EndSignals& signals, daemon::Daemon& service,
                                          const daemon::ServiceNotifier& notifier,
                                          std::optional<std::chrono::nanoseconds> leave_after) {
    using namespace asio::experimental::
        awaitable_operators; // NOLINT: the operators live in no other namespace
    if (!leave_after) {
        co_await (signals.wait() || feed_watchdog(service, notifier));
        co_return "stopping";
    }
    const auto ended = co_await (signals.wait() || service.wait_until_idle(*leave_after));
    co_return ended.index() == 0 ? "stopping" : "stopping: nobody used the service for a while";
}

/// The life of the service, on the io thread.
/// @param leave_after  ends when it was idle for so long; nothing: only when it is told
asio::awaitable<void> serve(asio::io_context& io, daemon::Inherited inherited,
                            const daemon::ServiceNotifier& notifier,
                            std::optional<std::chrono::nanoseconds> leave_after) {
    EndSignals signals(io);
    daemon::Daemon service(io.get_executor(), std::move(inherited));
    co_await service.start();
    log::info("daemon",
              fmt::format("ready; {}", process::sandbox_description(process::SandboxProfile::core)));
    notifier.send("READY=1");
    const std::string why = co_await wait_for_end(signals, service, notifier, leave_after);
    log::info("daemon", why);
    notifier.send("STOPPING=1");
    signals.exit_at_next();
    co_await service.stop();
}

void run_service(const daemon::Arguments& arguments) {
    ::signal(SIGPIPE, SIG_IGN);
    auto [config, rows] = Config::load_with_words();
    arguments.apply_to(config.server);
    const daemon::ServiceNotifier notifier; // connects while it still can
    const UniqueFd lock = daemon::http::lock_runtime_dir(paths::runtime_dir());
    daemon::Inherited inherited;
    inherited.config = std::move(config);
    inherited.config_rows = std::move(rows);
    inherited.sockets = open_sockets(inherited.config.server);
    const OwnPaths own_paths(inherited.sockets);
    std::tie(inherited.launcher_socket, inherited.launcher) = process::fork_launcher();
    inherited.certificate = daemon::read_certificate(inherited.config.server);
    process::enter_sandbox(process::SandboxProfile::core);

    // Apps cannot start a service that they reach over TCP.
    const bool leaves = arguments.leave_when_idle && inherited.config.server.listen.empty();
    const auto leave_after = leaves ? std::optional(inherited.config.server.leave_after) : std::nullopt;

    asio::io_context io(1);
    std::exception_ptr failure;
    auto remember = [&failure](std::exception_ptr thrown) { failure = std::move(thrown); };
    asio::co_spawn(io, serve(io, std::move(inherited), notifier, leave_after), remember);
    io.run();
    if (failure) {
        std::rethrow_exception(failure);
    }
    log::info("daemon", "stopped");
}

int report(const Error& error) {
    std::fputs(fmt::format("hearthd: {}\n", error.what()).c_str(), stderr);
    if (!error.hint().empty()) {
        std::fputs(fmt::format("  {}\n", error.hint()).c_str(), stderr);
    }
    return error.code() == ErrorCode::store_locked ? exit_taken : protocol::error_row(error.code()).exit_code;
}

} // namespace

int main(int count, char** arguments) {
    tune_memory();
    log::init_from_environment();
    try {
        const std::span<char* const> all(arguments, static_cast<std::size_t>(count));
        const daemon::Arguments parsed = daemon::parse_arguments(all.subspan(1));
        switch (parsed.action) {
        case daemon::Arguments::Action::help:
            std::fwrite(daemon::help_text.data(), 1, daemon::help_text.size(), stdout);
            return 0;
        case daemon::Arguments::Action::version:
            std::puts("hearthd " HEARTH_VERSION);
            return 0;
        case daemon::Arguments::Action::serve:
            run_service(parsed);
            return 0;
        }
    } catch (...) {
        return report(to_error(std::current_exception()));
    }
    return 1;
}
