#include "protocol/sighting.hpp"

#include <gtest/gtest.h>

#include <string>

namespace hearth::protocol {
namespace {

const std::string head = "Num       RefCount Protocol Flags    Type St Inode Path\n";
const std::string listening =
    "0000000000000000: 00000002 00000000 00010000 0001 01 4242 /run/user/1000/hearth/api.sock\n";
const std::string connection =
    "0000000000000000: 00000003 00000000 00000000 0001 03 4243 /run/user/1000/hearth/api.sock\n";
const std::string socket = "/run/user/1000/hearth/api.sock";
const std::string lock =
    "1: POSIX  ADVISORY  WRITE 99 00:2e:1 0 EOF\n2: FLOCK  ADVISORY  WRITE 1234 00:2e:777 0 EOF\n";

TEST(Sighting, FindsNobodyWhereNobodyListens) {
    EXPECT_EQ(judge_listener(head, lock, socket, 777), Sighting{});
    EXPECT_EQ(judge_listener(head + connection, lock, socket, 777), Sighting{})
        << "a connection does not listen";
}

TEST(Sighting, FindsAServiceByItsLock) {
    EXPECT_EQ(judge_listener(head + listening, lock, socket, 777), (Sighting{Listener::service, 1234}));
}

TEST(Sighting, TakesASocketWithoutALockForAsleep) {
    EXPECT_EQ(judge_listener(head + listening, "", socket, 777), Sighting{Listener::asleep});
    EXPECT_EQ(judge_listener(head + listening, lock, socket, 0), Sighting{Listener::asleep})
        << "no lock file yet";
    EXPECT_EQ(judge_listener(head + listening, lock, socket, 77), Sighting{Listener::asleep})
        << "another file's lock";
    EXPECT_EQ(judge_listener(head + listening, lock, socket, 7777), Sighting{Listener::asleep});
}

TEST(Sighting, TakesNoSharedLockForTheServices) {
    const std::string shared = "2: FLOCK  ADVISORY  READ 1234 00:2e:777 0 EOF\n";
    EXPECT_EQ(judge_listener(head + listening, shared, socket, 777), Sighting{Listener::asleep});
}

TEST(Sighting, TellsPathsApart) {
    EXPECT_EQ(judge_listener(head + listening, lock, "/hearth/api.sock", 777), Sighting{})
        << "the end of another path";
    EXPECT_EQ(judge_listener(head + listening, lock, "/run/user/1000/hearth/api.soc", 777), Sighting{});
}

TEST(Sighting, FindsAPathWithSpaces) {
    const std::string line =
        "0000000000000000: 00000002 00000000 00010000 0001 01 4242 /tmp/my folder/api.sock\n";
    EXPECT_EQ(judge_listener(head + line, lock, "/tmp/my folder/api.sock", 777),
              (Sighting{Listener::service, 1234}));
}

} // namespace
} // namespace hearth::protocol
