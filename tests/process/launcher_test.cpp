#include "process/launcher.hpp"

#include "base/async/timeout.hpp"

#include "process/sandbox.hpp"
#include "process/wire/connection.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/scoped_variable.hpp"
#include "tests/process/in_child.hpp"
#include "tests/process/wire_peer.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <csignal>
#include <fstream>
#include <sstream>

namespace hearth::process {
namespace {

using hearth::testing::expect_error;
using hearth::testing::ScopedVariable;

std::string file_text(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

/// Of a socket that listens.
sockaddr_in bound_to(int socket) {
    sockaddr_in address{};
    socklen_t length = sizeof address;
    int listening = 0;
    socklen_t size = sizeof listening;
    require_done(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
    require_done(::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size), "getsockopt");
    require(listening == 1 && address.sin_family == AF_INET, "it does not listen");
    return address;
}

boost::asio::awaitable<std::string> ask(wire::Connection* connection, std::string question) {
    wire::Event answer =
        co_await connection->call(std::move(question), std::string(), std::vector<UniqueFd>());
    co_return answer.head;
}

/// The core with a launcher. The launcher is forked first, as in the daemon.
class LauncherTest : public ::testing::Test {
  protected:
    void start() {
        auto [socket, child] = fork_launcher();
        launcher_pid_ = child.pid();
        launcher_ = std::make_unique<Launcher>(io_.get_executor(), std::move(socket), std::move(child));
        wire::run_on(io_, launcher_->start());
    }
    std::unique_ptr<wire::Connection> start_fetch() {
        auto fetch = std::make_unique<wire::Connection>(io_.get_executor(),
                                                        wire::run_on(io_, launcher_->start_fetch()), "fetch");
        wire::run_on(io_, fetch->handshake());
        return fetch;
    }
    void TearDown() override {
        if (launcher_) {
            wire::run_on(io_, launcher_->stop());
        }
    }
    std::string ask_fetch(wire::Connection& fetch, const std::string& question) {
        return wire::run_on(io_, ask(&fetch, question));
    }
    void stop(wire::Connection& connection) { wire::run_on(io_, connection.stop()); }

    boost::asio::io_context io_;
    std::unique_ptr<Launcher> launcher_;
    pid_t launcher_pid_ = -1;
};

TEST_F(LauncherTest, StartsFetchWithItsWireAndNothingElse) {
    start();
    const auto fetch = start_fetch();
    EXPECT_EQ(ask_fetch(*fetch, "descriptors"), "0 1 2 3 ");
    EXPECT_EQ(ask_fetch(*fetch, "parent"), std::to_string(launcher_pid_));
    stop(*fetch);
}

TEST_F(LauncherTest, StartsFetchAgainAndAgain) {
    start();
    const auto first = start_fetch();
    const auto second = start_fetch();
    EXPECT_NE(ask_fetch(*first, "pid"), ask_fetch(*second, "pid"));
    stop(*first);
    stop(*second);
}

TEST_F(LauncherTest, PassesProxiesAndCertificatesToFetchAndNoCredentials) {
    const ScopedVariable proxy("https_proxy", "http://proxy:3128");
    const ScopedVariable certificates("SSL_CERT_FILE", "/etc/ca.pem");
    const ScopedVariable token("HF_TOKEN", "secret");
    const ScopedVariable other("UNRELATED", "value");
    start();
    const auto fetch = start_fetch();
    EXPECT_EQ(ask_fetch(*fetch, "https_proxy"), "http://proxy:3128");
    EXPECT_EQ(ask_fetch(*fetch, "SSL_CERT_FILE"), "/etc/ca.pem");
    EXPECT_EQ(ask_fetch(*fetch, "HF_TOKEN"), "(unset)");
    EXPECT_EQ(ask_fetch(*fetch, "UNRELATED"), "(unset)");
    stop(*fetch);
}

TEST_F(LauncherTest, HoldsNoDescriptorOfTheCore) {
    const UniqueFd secret(::open("/dev/null", O_RDONLY));
    start();
    const std::string path = "/proc/" + std::to_string(launcher_pid_) + "/fd/";
    EXPECT_EQ(::access((path + "3").c_str(), F_OK), 0);
    for (int fd = 4; fd < 256; ++fd) {
        EXPECT_NE(::access((path + std::to_string(fd)).c_str(), F_OK), 0) << fd;
    }
}

TEST_F(LauncherTest, HasItsOwnName) {
    start();
    EXPECT_EQ(file_text("/proc/" + std::to_string(launcher_pid_) + "/comm"), "hearth-launcher\n");
}

TEST_F(LauncherTest, EndsWhenTheCoreClosesItsEnd) {
    start();
    wire::run_on(io_, launcher_->stop());
    EXPECT_EQ(::kill(launcher_pid_, 0), -1) << "reaped";
}

TEST_F(LauncherTest, LeavesNoZombieBehind) {
    start();
    const auto fetch = start_fetch();
    const pid_t pid = std::stoi(ask_fetch(*fetch, "pid"));
    stop(*fetch);
    const std::string stat = "/proc/" + std::to_string(pid) + "/stat";
    for (int tries = 0; tries < 500 && ::access(stat.c_str(), F_OK) == 0; ++tries) {
        wire::run_on(io_, sleep_for(std::chrono::milliseconds(10)));
    }
    EXPECT_NE(::access(stat.c_str(), F_OK), 0) << file_text(stat);
}

TEST_F(LauncherTest, StaysOutsideTheLockOfTheCore) {
    EXPECT_EQ(in_child([this] {
                  start();
                  enter_sandbox(SandboxProfile::core);
                  const std::string status = file_text("/proc/" + std::to_string(launcher_pid_) + "/status");
                  require(status.find("Seccomp:\t0") != std::string::npos, "the launcher is locked");
                  const auto fetch = start_fetch();
                  const std::string pid = ask_fetch(*fetch, "pid");
                  const std::string fetch_status = file_text("/proc/" + pid + "/status");
                  require(fetch_status.find("Seccomp:\t0") != std::string::npos, "fetch is locked");
                  stop(*fetch);
                  wire::run_on(io_, launcher_->stop());
              }),
              0);
}

TEST_F(LauncherTest, ItsDeathIsToldAsARegistryThatCannotBeReached) {
    start();
    ::kill(launcher_pid_, SIGKILL);
    expect_error(ErrorCode::registry_unreachable, [&] { wire::run_on(io_, launcher_->start_fetch()); });
}

TEST_F(LauncherTest, ListensForALockedCore) {
    EXPECT_EQ(in_child([this] {
                  start();
                  enter_sandbox(SandboxProfile::core);
                  const UniqueFd first = wire::run_on(io_, launcher_->listen_on_loopback());
                  const UniqueFd second = wire::run_on(io_, launcher_->listen_on_loopback());
                  const sockaddr_in one = bound_to(first.get());
                  const sockaddr_in other = bound_to(second.get());
                  require(one.sin_addr.s_addr == htonl(INADDR_LOOPBACK), "it is not 127.0.0.1");
                  require(one.sin_port != 0 && one.sin_port != other.sin_port, "it has no port of its own");
                  require_refused(::socket(AF_INET, SOCK_STREAM, 0), "socket");
                  wire::run_on(io_, launcher_->stop());
              }),
              0);
}

TEST_F(LauncherTest, AnswersWhatItCannotDoAndGoesOn) {
    auto [socket, child] = fork_launcher();
    wire::Connection connection(io_.get_executor(), std::move(socket), "launcher");
    wire::run_on(io_, connection.handshake());
    expect_error(ErrorCode::unsupported, [&] { ask_fetch(connection, R"({"op":"dance"})"); });
    expect_error(ErrorCode::invalid_argument, [&] { ask_fetch(connection, "not JSON"); });
    EXPECT_EQ(ask_fetch(connection, R"({"op":"start_fetch"})"), R"({"started":"fetch"})");
    stop(connection);
    child.terminate(5000);
}

} // namespace
} // namespace hearth::process
