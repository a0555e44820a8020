#include "daemon/arguments.hpp"

#include "base/config.hpp"
#include "base/error.hpp"
#include "daemon/doors.hpp"
#include "tests/base/expect_error.hpp"

#include <gtest/gtest.h>

namespace hearth::daemon {
namespace {

using hearth::testing::expect_error;

Arguments parse(std::vector<const char*> words) {
    std::vector<char*> mutable_words;
    for (const char* word : words) {
        mutable_words.push_back(const_cast<char*>(word)); // NOLINT: as main gets them, never written
    }
    return parse_arguments(mutable_words);
}

TEST(HearthdArguments, ReplaceTheAddressesOfTheConfiguration) {
    ServerConfig server;
    server.listen = {"127.0.0.1:1"};
    parse({}).apply_to(server);
    EXPECT_EQ(server.listen, std::vector<std::string>{"127.0.0.1:1"});
    parse({"--listen", "127.0.0.1:2", "--listen=[::1]:3", "--compat-no-token"}).apply_to(server);
    EXPECT_EQ(server.listen, (std::vector<std::string>{"127.0.0.1:2", "[::1]:3"}));
    EXPECT_TRUE(server.compat_no_token);
    EXPECT_FALSE(server.insecure_lan);
}

TEST(HearthdArguments, ThatCannotBeRightAreUsageErrors) {
    for (const auto& words : std::vector<std::vector<const char*>>{{"--listen"},
                                                                   {"--listen", "x"},
                                                                   {"--listen="},
                                                                   {"--listen=example.org:80"},
                                                                   {"--listen-all"},
                                                                   {"-x"}}) {
        expect_error(ErrorCode::usage, [&] { parse(words); });
    }
}

TEST(Doors, BeyondThisMachineNeedTheUsersWord) {
    ServerConfig server;
    for (const char* address : {"0.0.0.0:0", "[::]:0", "192.0.2.1:1"}) {
        server.listen = {address};
        expect_error(ErrorCode::forbidden, [&] { open_doors(server); });
    }
    server.insecure_lan = true;
    server.compat_no_token = true;
    const auto everywhere = http::parse_endpoint("0.0.0.0:1");
    EXPECT_NO_THROW(check_reach(everywhere, server));
    EXPECT_EQ(door_rules(everywhere, server).anonymous, http::Anonymous::nothing);
    EXPECT_EQ(door_rules(everywhere, server).reach, http::Reach::network);
    const auto loopback = http::parse_endpoint("[::1]:1");
    EXPECT_EQ(door_rules(loopback, server).anonymous, http::Anonymous::infer);
    EXPECT_EQ(door_rules(loopback, server).reach, http::Reach::loopback);
}

} // namespace
} // namespace hearth::daemon
