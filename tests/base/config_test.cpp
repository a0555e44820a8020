#include "base/atomic_file.hpp"
#include "base/config.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/scoped_variable.hpp"
#include "tests/base/temporary_dir.hpp"

#include <gtest/gtest.h>

namespace hearth {
namespace {

using testing::expect_error;
using testing::ScopedVariable;
using namespace std::chrono_literals;

class ConfigFile : public ::testing::Test {
  protected:
    Config load(std::string_view content) {
        write_file_atomically(path_, content);
        return Config::load();
    }
    std::string refusal(std::string_view content) {
        std::string text = expect_error(ErrorCode::invalid_argument, [&] { load(content); });
        const std::string prefix = path_.string() + ":";
        EXPECT_TRUE(text.starts_with(prefix)) << text;
        return text.substr(std::min(prefix.size(), text.size()));
    }

    testing::TemporaryDir dir_;
    std::filesystem::path path_ = dir_.path() / "config.toml";
    ScopedVariable file_variable_{"HEARTH_CONFIG", path_.c_str()};
    ScopedVariable limit_variable_{"HEARTH_RAM_LIMIT", nullptr};
};

TEST_F(ConfigFile, ThatIsAbsentLeavesTheDefaults) {
    const Config config = Config::load();
    EXPECT_EQ(config.keep_alive, 5min);
    EXPECT_EQ(config.parallel, 4);
    EXPECT_EQ(config.ram_limit_bytes, std::nullopt);
}

TEST_F(ConfigFile, SetsEverySetting) {
    const Config config = load("memory.ram_limit = '2GiB'\nmemory.margin = '1GiB'\nmemory.gpu_margin = "
                               "0\n[runtime]\nkeep_alive = '1h'\nparallel = 2\ncontext = 8192\n"
                               "backend = 'echo'\nthreads = 3\n[registry]\ndefault = 'localhost:5000'\n");
    EXPECT_EQ(config.ram_limit_bytes, 2ull << 30);
    EXPECT_EQ(config.margin_bytes, 1ull << 30);
    EXPECT_EQ(config.gpu_margin_bytes, 0u);
    EXPECT_EQ(config.keep_alive, 1h);
    EXPECT_EQ(config.parallel, 2);
    EXPECT_EQ(config.context_tokens, 8192);
    EXPECT_EQ(config.backend, "echo");
    EXPECT_EQ(config.threads, 3);
    EXPECT_EQ(config.default_registry, "localhost:5000");
}

TEST_F(ConfigFile, SetsTheTcpDoor) {
    const ServerConfig server =
        load("[server]\nlisten = ['127.0.0.1:11434', '[::1]:11434']\nhosts = 'box.example'\n"
             "origins = ['https://app.example']\ncompat_no_token = true\ninsecure_lan = false\n"
             "connections_per_address = 7\ntls_cert = '/c.pem'\ntls_key = '/k.pem'\n")
            .server;
    EXPECT_EQ(server.listen, (std::vector<std::string>{"127.0.0.1:11434", "[::1]:11434"}));
    EXPECT_EQ(server.hosts, std::vector<std::string>{"box.example"});
    EXPECT_EQ(server.origins, std::vector<std::string>{"https://app.example"});
    EXPECT_TRUE(server.compat_no_token);
    EXPECT_FALSE(server.insecure_lan);
    EXPECT_EQ(server.connections_per_address, 7);
    EXPECT_EQ(server.tls_cert, "/c.pem");
    EXPECT_EQ(server.tls_key, "/k.pem");
}

TEST_F(ConfigFile, HasNoTcpDoorUnlessToldTo) {
    EXPECT_TRUE(Config::load().server.listen.empty());
    EXPECT_EQ(refusal("server.listen = 11434\n"), "1: server.listen must be a text");
    EXPECT_EQ(refusal("server.listen = ['a',\n 3]\n"), "2: server.listen must be a text");
    EXPECT_EQ(refusal("server.compat_no_token = 'yes'\n"), "1: server.compat_no_token must be true or false");
}

TEST_F(ConfigFile, SetsWhatHoldsForOneModel) {
    const Config config = load("[models.\"hf.co/org/repo:Q4_K_M\"]\nkeep_alive = '1h'\n"
                               "[models.small]\nkeep_alive = -1\n[models.plain]\n");
    ASSERT_EQ(config.models.size(), 3u);
    EXPECT_EQ(config.models.at("hf.co/org/repo:Q4_K_M").keep_alive, 1h);
    EXPECT_EQ(config.models.at("small").keep_alive, -1s);
    EXPECT_EQ(config.models.at("plain").keep_alive, std::nullopt);
    EXPECT_EQ(load("models.\"a.b:c\".keep_alive = 0\n").models.at("a.b:c").keep_alive, 0s);
}

TEST_F(ConfigFile, RefusesWhatAModelCannotBeTold) {
    EXPECT_EQ(
        refusal("[models.\"a.b\"]\nkeepalive = '1h'\n"),
        "2: models.\"a.b\".keepalive is not a setting of a model; there is keep_alive, context, parallel");
    EXPECT_EQ(refusal("[models.a]\nkeep_alive = true\n"), "2: models.\"a\".keep_alive must be a text");
    EXPECT_EQ(refusal("models.a = 3\n"),
              "1: models.\"a\" is not a setting; a model has a table: [models.\"NAME\"]");
    EXPECT_EQ(refusal("models = 3\n"), "1: models is not a setting");
}

TEST_F(ConfigFile, TakesPlainNumbersForSecondsAndBytes) {
    const Config config = load("memory.ram_limit = 1000\nruntime.keep_alive = -1\n");
    EXPECT_EQ(config.ram_limit_bytes, 1000u);
    EXPECT_EQ(config.keep_alive, -1s);
}

TEST_F(ConfigFile, WithAnUnknownKeyIsRefusedWithLineAndNearestName) {
    EXPECT_EQ(refusal("\n[runtime]\nparalel = 2\n"),
              "3: runtime.paralel is not a setting; did you mean runtime.parallel?");
    EXPECT_EQ(refusal("colour = 'red'\n"), "1: colour is not a setting");
    EXPECT_EQ(refusal("[window]\nwidth = 3\n"), "2: window.width is not a setting");
    EXPECT_EQ(refusal("runtime = 3\n"), "1: runtime is not a setting");
}

TEST_F(ConfigFile, WithAWrongValueIsRefusedWithItsPlace) {
    EXPECT_EQ(refusal("runtime.parallel = 'two'\n"),
              "1: runtime.parallel must be a whole number from 1 to 256");
    EXPECT_EQ(refusal("runtime.parallel = 0\n"), "1: runtime.parallel must be a whole number from 1 to 256");
    EXPECT_EQ(refusal("runtime.backend = 3\n"), "1: runtime.backend must be a text");
    EXPECT_EQ(refusal("memory.ram_limit = 'much'\n"), "1: memory.ram_limit: \"much\" is not a size");
    EXPECT_EQ(refusal("runtime.keep_alive = '10'\n"),
              "1: runtime.keep_alive: duration \"10\" has a number without a unit");
}

TEST_F(ConfigFile, ThatIsNotTomlIsRefusedWithItsLine) {
    EXPECT_TRUE(refusal("a = 1\nb = = 2\n").starts_with("2: "));
}

TEST_F(ConfigFile, YieldsToTheEnvironment) {
    const ScopedVariable limit("HEARTH_RAM_LIMIT", "1MB");
    EXPECT_EQ(load("memory.ram_limit = 5\n").ram_limit_bytes, 1000000u);
    const ScopedVariable wrong("HEARTH_RAM_LIMIT", "lots");
    expect_error(ErrorCode::invalid_argument, [] { Config::load(); });
}

TEST(Bytes, AreReadInBothFamiliesOfUnits) {
    EXPECT_EQ(parse_bytes("1024"), 1024u);
    EXPECT_EQ(parse_bytes("8GiB"), 8ull << 30);
    EXPECT_EQ(parse_bytes("8g"), 8ull << 30);
    EXPECT_EQ(parse_bytes("512MB"), 512000000u);
    EXPECT_EQ(parse_bytes("1.5 GB"), 1500000000u);
    for (const char* text : {"", "GB", "-1", "1 XB", "1GBs", "nan", "inf", "1e999", "99999999TB", "0x10"}) {
        expect_error(ErrorCode::invalid_argument, [&] { parse_bytes(text); });
    }
}

TEST(Bytes, ArePrintedInDecimalUnits) {
    EXPECT_EQ(format_bytes(0), "0 B");
    EXPECT_EQ(format_bytes(999), "999 B");
    EXPECT_EQ(format_bytes(1000), "1.0 KB");
    EXPECT_EQ(format_bytes(4'100'000'000), "4.1 GB");
    EXPECT_EQ(format_bytes(9'960'000'000), "10 GB");
    EXPECT_EQ(format_bytes(999'600'000), "1.0 GB");
}

} // namespace
} // namespace hearth
