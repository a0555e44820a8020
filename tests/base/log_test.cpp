#include "base/log.hpp"
#include "base/unique_fd.hpp"

#include <gtest/gtest.h>

#include <array>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace hearth {
namespace {

/// stderr for the length of a test is a datagram socket: one write is one message.
class Log : public ::testing::Test {
  protected:
    void SetUp() override {
        std::array<int, 2> pair{};
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.data()), 0);
        ours_.reset(pair[0]);
        const UniqueFd theirs(pair[1]);
        saved_.reset(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
        ::dup2(theirs.get(), STDERR_FILENO);
    }
    void TearDown() override {
        ::dup2(saved_.get(), STDERR_FILENO);
        log::set_level(log::Level::info);
    }
    std::string message() {
        std::array<char, 4096> buffer{};
        const ssize_t size = ::recv(ours_.get(), buffer.data(), buffer.size(), 0);
        return size < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(size));
    }

  private:
    UniqueFd ours_;
    UniqueFd saved_;
};

TEST_F(Log, WritesALineInOneWrite) {
    log::warning("registry", "three pulls");
    const std::string line = message();
    EXPECT_TRUE(line.ends_with("Z warning registry: three pulls\n")) << line;
    EXPECT_EQ(message(), "");
}

TEST_F(Log, KeepsOneEventOnOneLine) {
    log::error("x", "a\nb\x1b[31m\tc");
    EXPECT_TRUE(message().ends_with(" error x: a b [31m c\n"));
}

TEST_F(Log, DropsWhatIsBelowItsLevel) {
    log::debug("x", "quiet");
    EXPECT_EQ(message(), "");
    log::set_level(log::Level::debug);
    log::debug("x", "loud");
    EXPECT_NE(message(), "");
}

} // namespace
} // namespace hearth
