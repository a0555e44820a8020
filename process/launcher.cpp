#include "process/launcher.hpp"

#include "base/async/timeout.hpp"
#include "base/error.hpp"
#include "process/wire/connection.hpp"

#include <chrono>

namespace hearth::process {

namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds reap_interval{5};
constexpr int reap_attempts = 200; // one second; then it is killed

} // namespace

Launcher::Launcher(asio::any_io_executor executor, UniqueFd socket, Child child)
    : connection_(std::make_unique<wire::Connection>(std::move(executor), std::move(socket), "launcher")),
      child_(std::move(child)) {}

Launcher::~Launcher() = default;

asio::awaitable<void> Launcher::start() {
    co_await connection_->handshake();
}

asio::awaitable<void> Launcher::stop() {
    co_await connection_->stop();
    for (int attempt = 0; attempt < reap_attempts && !child_.try_reap(); ++attempt) {
        co_await sleep_for(reap_interval);
    }
    child_.terminate(0);
}

asio::awaitable<UniqueFd> Launcher::start_fetch() {
    std::string operation = "start_fetch";
    UniqueFd socket = co_await call(std::move(operation));
    if (!socket) {
        throw Error(ErrorCode::registry_unreachable, "the process that starts downloads is gone",
                    "restart the service");
    }
    co_return socket;
}

asio::awaitable<UniqueFd> Launcher::listen_on_loopback() {
    std::string operation = "listen_on_loopback";
    UniqueFd socket = co_await call(std::move(operation));
    if (!socket) {
        throw Error(ErrorCode::internal, "the process that opens sockets is gone", "restart the service");
    }
    co_return socket;
}

asio::awaitable<UniqueFd> Launcher::call(std::string operation) {
    std::string head = R"({"op":")" + operation + R"("})";
    std::vector<UniqueFd> none;
    try {
        wire::Event answer = co_await connection_->call(std::move(head), std::string(), std::move(none));
        if (answer.fds.size() == 1) {
            co_return std::move(answer.fds.front());
        }
    } catch (const Error& error) {
        if (error.code() != ErrorCode::runner_lost) {
            throw;
        }
    }
    co_return UniqueFd();
}

} // namespace hearth::process
