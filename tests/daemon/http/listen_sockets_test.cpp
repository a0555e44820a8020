#include "daemon/http/listen_sockets.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace hearth::daemon::http {
namespace {

class ListenSockets : public ::testing::Test {
  protected:
    ListenSockets() {
        char name[] = "/tmp/hearth-sock-XXXXXX";
        directory_ = ::mkdtemp(name);
    }
    ~ListenSockets() override { std::filesystem::remove_all(directory_); }

    static bool answers(const std::filesystem::path& path) {
        UniqueFd client(::socket(AF_UNIX, SOCK_STREAM, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.string().copy(address.sun_path, sizeof address.sun_path - 1);
        return ::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    }

    std::filesystem::path directory_;
};

TEST_F(ListenSockets, AreForTheirOwnerAlone) {
    const ListenSocket socket = bind_socket(directory_ / "api.sock", Access::full);
    struct stat status{};
    ASSERT_EQ(::stat((directory_ / "api.sock").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0600u);
    EXPECT_TRUE(answers(directory_ / "api.sock"));
}

TEST_F(ListenSockets, ReplaceAStaleSocketFile) {
    bind_socket(directory_ / "api.sock", Access::full); // closed at once, the file stays
    EXPECT_FALSE(answers(directory_ / "api.sock"));
    const ListenSocket socket = bind_socket(directory_ / "api.sock", Access::full);
    EXPECT_TRUE(answers(directory_ / "api.sock"));
}

TEST_F(ListenSockets, NeverReplaceAFileThatIsNoSocket) {
    std::ofstream(directory_ / "api.sock") << "precious";
    EXPECT_THROW(bind_socket(directory_ / "api.sock", Access::full), Error);
    EXPECT_EQ(std::filesystem::file_size(directory_ / "api.sock"), 8u);
}

TEST_F(ListenSockets, SayWhenThePathIsTooLong) {
    const auto path = directory_ / std::string(120, 'x');
    try {
        bind_socket(path, Access::full);
        FAIL() << "bound a path of " << path.string().size() << " bytes";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
        EXPECT_NE(std::string(error.what()).find("107"), std::string::npos) << error.what();
        EXPECT_NE(error.hint().find("HEARTH_RUNTIME"), std::string::npos);
    }
}

TEST_F(ListenSockets, HaveOneOwner) {
    UniqueFd first = lock_runtime_dir(directory_);
    try {
        lock_runtime_dir(directory_);
        FAIL() << "two owners";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::store_locked);
    }
    first.reset();
    EXPECT_TRUE(lock_runtime_dir(directory_));
}

TEST_F(ListenSockets, AreNotTakenFromAnotherProcess) {
    ::setenv("LISTEN_PID", "1", 1);
    ::setenv("LISTEN_FDS", "1", 1);
    EXPECT_TRUE(take_systemd_sockets().empty());
    EXPECT_EQ(std::getenv("LISTEN_FDS"), nullptr);
}

} // namespace
} // namespace hearth::daemon::http
