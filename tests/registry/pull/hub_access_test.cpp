#include "registry/pull/hub_access.hpp"

#include "base/atomic_file.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/scoped_variable.hpp"
#include "tests/base/temporary_dir.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>

namespace hearth::registry::testing {
namespace {

using hearth::testing::expect_error;
using hearth::testing::ScopedVariable;

/// None of the variables that count, and a home of its own.
class HubAccessTest : public ::testing::Test {
  protected:
    hearth::testing::TemporaryDir home;
    ScopedVariable endpoint{"HF_ENDPOINT", ""};
    ScopedVariable token{"HF_TOKEN", ""};
    ScopedVariable old_token{"HUGGING_FACE_HUB_TOKEN", ""};
    ScopedVariable token_path{"HF_TOKEN_PATH", ""};
    ScopedVariable hf_home{"HF_HOME", ""};
    ScopedVariable cache{"XDG_CACHE_HOME", ""};
    ScopedVariable home_variable{"HOME", home.path().string().c_str()};
};

TEST_F(HubAccessTest, IsTheRealHubWithoutAToken) {
    const HubAccess access = HubAccess::from_environment();
    EXPECT_EQ(access.endpoint, "https://huggingface.co");
    EXPECT_EQ(access.authorization(), "");
}

TEST_F(HubAccessTest, TheVariableGoesBeforeTheFile) {
    std::filesystem::create_directories(home.path() / ".cache/huggingface");
    write_file_atomically(home.path() / ".cache/huggingface/token", "hf_file\n");
    EXPECT_EQ(HubAccess::from_environment().authorization(), "Bearer hf_file");
    const ScopedVariable old("HUGGING_FACE_HUB_TOKEN", "hf_old");
    EXPECT_EQ(HubAccess::from_environment().authorization(), "Bearer hf_old");
    const ScopedVariable now("HF_TOKEN", " hf_new\n");
    EXPECT_EQ(HubAccess::from_environment().authorization(), "Bearer hf_new");
}

TEST_F(HubAccessTest, ALoginCountsAtOnce) {
    const ScopedVariable path("HF_TOKEN_PATH", (home.path() / "mine").string().c_str());
    const HubAccess access = HubAccess::from_environment();
    EXPECT_EQ(access.authorization(), "");
    write_file_atomically(home.path() / "mine", "hf_later");
    EXPECT_EQ(access.authorization(), "Bearer hf_later");
}

TEST_F(HubAccessTest, TheFileIsWhereTheHubsToolsPutIt) {
    const ScopedVariable xdg("XDG_CACHE_HOME", "/x/cache");
    EXPECT_EQ(HubAccess::from_environment().token_file, "/x/cache/huggingface/token");
    const ScopedVariable hf("HF_HOME", "/x/hf");
    EXPECT_EQ(HubAccess::from_environment().token_file, "/x/hf/token");
}

TEST_F(HubAccessTest, WhatIsNoTokenIsNotSent) {
    const ScopedVariable injected("HF_TOKEN", "hf_a\r\nX-Evil: 1");
    EXPECT_EQ(HubAccess::from_environment().authorization(), "");
    const ScopedVariable path("HF_TOKEN_PATH", (home.path() / "fifo").string().c_str());
    ASSERT_EQ(::mkfifo((home.path() / "fifo").c_str(), 0600), 0); // reading it would hang for ever
    EXPECT_EQ(HubAccess::from_environment().authorization(), "");
}

TEST_F(HubAccessTest, AnEndpointIsHttpsOrThisMachine) {
    for (const char* good :
         {"https://hub.example/", "https://hub.example/mirror", "http://127.0.0.1:5000", "http://[::1]:80"}) {
        const ScopedVariable set("HF_ENDPOINT", good);
        EXPECT_FALSE(HubAccess::from_environment().endpoint.ends_with('/')) << good;
    }
    for (const char* bad : {"http://hub.example", "ftp://hub.example", "hub.example",
                            "https://u:p@hub.example", "https://hub.example?x", "https://"}) {
        const ScopedVariable set("HF_ENDPOINT", bad);
        SCOPED_TRACE(bad);
        expect_error(ErrorCode::invalid_argument, [] { HubAccess::from_environment(); });
    }
}

} // namespace
} // namespace hearth::registry::testing
