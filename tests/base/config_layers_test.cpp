#include "base/atomic_file.hpp"
#include "base/config.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/scoped_variable.hpp"
#include "tests/base/temporary_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace hearth {
namespace {

using testing::expect_error;
using ::testing::HasSubstr;
using testing::ScopedVariable;
using namespace std::chrono_literals;

class ConfigLayers : public ::testing::Test {
  protected:
    LoadedConfig load(std::string_view content) {
        write_file_atomically(path_, content);
        return Config::load_with_words();
    }
    static ConfigRow row(const LoadedConfig& loaded, std::string_view name) {
        const auto found = std::ranges::find(loaded.rows, name, &ConfigRow::name);
        return found == loaded.rows.end() ? ConfigRow{} : *found;
    }

    testing::TemporaryDir dir_;
    std::filesystem::path path_ = dir_.path() / "config.toml";
    ScopedVariable file_variable_{"HEARTH_CONFIG", path_.c_str()};
    ScopedVariable limit_variable_{"HEARTH_RAM_LIMIT", nullptr};
};

TEST_F(ConfigLayers, TellWhoSetAValueAndWhereAndWhatItWouldBeElse) {
    const ScopedVariable limit("HEARTH_RAM_LIMIT", "1MB");
    const ConfigRow found = row(load("\nmemory.ram_limit = '5kB'\n"), "memory.ram_limit");
    ASSERT_EQ(found.words.size(), 3u);
    EXPECT_EQ(found.words[0].layer, ConfigLayer::built_in);
    EXPECT_EQ(found.words[0].value, "");
    EXPECT_EQ(found.words[1].layer, ConfigLayer::user);
    EXPECT_EQ(found.words[1].place, path_.string() + ":2");
    EXPECT_EQ(found.words[1].value, "5000");
    EXPECT_EQ(found.words[2].layer, ConfigLayer::environment);
    EXPECT_EQ(found.words[2].place, "HEARTH_RAM_LIMIT");
    EXPECT_EQ(found.words[2].value, "1000000");
}

TEST_F(ConfigLayers, HaveARowForEverySettingAndForModelsAndAppsThatAreNamed) {
    const LoadedConfig loaded =
        load("[models.\"a.b:c\"]\ncontext = 512\n[apps.editor]\nkeep_alive = '1h'\nparallel = 2\n");
    EXPECT_EQ(row(loaded, "models.\"a.b:c\".context").words.back().value, "512");
    EXPECT_EQ(row(loaded, "apps.\"editor\".keep_alive").words.back().value, "\"1h\"");
    EXPECT_EQ(loaded.config.apps.at("editor").parallel, 2);
    EXPECT_EQ(loaded.config.models.at("a.b:c").context_tokens, 512);
    EXPECT_FALSE(row(loaded, "server.listen").live) << "doors are opened once";
    EXPECT_TRUE(row(loaded, "runtime.keep_alive").live);
    expect_error(ErrorCode::invalid_argument, [&] { load("[apps.editor]\nkeepalive = 1\n"); });
}

TEST_F(ConfigLayers, ShowDurationsAsTheyAreWritten) {
    for (const auto& [written, shown] : {std::pair{"'90m'", "\"1h30m\""},
                                         {"-1", "-1"},
                                         {"0", "\"0s\""},
                                         {"61", "\"1m1s\""},
                                         {"'300ms'", "\"300ms\""}}) {
        const LoadedConfig loaded = load(std::string("runtime.keep_alive = ") + written + "\n");
        EXPECT_EQ(row(loaded, "runtime.keep_alive").words.back().value, shown);
    }
}

TEST_F(ConfigLayers, HonourOllamasVariablesOnlyWhenAskedTo) {
    const ScopedVariable keep("OLLAMA_KEEP_ALIVE", "20m");
    const ScopedVariable host("OLLAMA_HOST", "http://localhost");
    EXPECT_EQ(load("").config.keep_alive, 5min);
    const LoadedConfig loaded = load("compat.ollama = true\n");
    EXPECT_EQ(loaded.config.keep_alive, 20min);
    EXPECT_EQ(row(loaded, "runtime.keep_alive").words.back().place, "OLLAMA_KEEP_ALIVE");
    EXPECT_EQ(loaded.config.server.listen, std::vector<std::string>{"127.0.0.1:11434"});
    EXPECT_EQ(load("compat.ollama = true\nruntime.keep_alive = '1m'\n").config.keep_alive, 1min)
        << "a file goes before them";
}

TEST_F(ConfigLayers, ReadOllamasVariablesAsOllamaDoes) {
    const std::string asked = "compat.ollama = true\n";
    for (const auto& [host, address] : {std::pair{"0.0.0.0", "0.0.0.0:11434"},
                                        {":8080", "127.0.0.1:8080"},
                                        {"[::1]:9", "[::1]:9"},
                                        {"https://10.0.0.1:443/x", "10.0.0.1:443"}}) {
        const ScopedVariable variable("OLLAMA_HOST", host);
        EXPECT_EQ(load(asked).config.server.listen.at(0), address);
    }
    const ScopedVariable seconds("OLLAMA_KEEP_ALIVE", "300");
    const ScopedVariable parallel("OLLAMA_NUM_PARALLEL", "3");
    const ScopedVariable context("OLLAMA_CONTEXT_LENGTH", "8192");
    const ScopedVariable overhead("OLLAMA_GPU_OVERHEAD", "1000");
    const ScopedVariable origins("OLLAMA_ORIGINS", "https://a,https://b,");
    const Config config = load(asked).config;
    EXPECT_EQ(config.keep_alive, 5min);
    EXPECT_EQ(config.parallel, 3);
    EXPECT_EQ(config.context_tokens, 8192);
    EXPECT_EQ(config.gpu_margin_bytes, 1000u);
    EXPECT_EQ(config.server.origins, (std::vector<std::string>{"https://a", "https://b"}));
    const ScopedVariable wrong("OLLAMA_NUM_PARALLEL", "many");
    EXPECT_THAT(expect_error(ErrorCode::invalid_argument, [&] { load(asked); }),
                HasSubstr("OLLAMA_NUM_PARALLEL: runtime.parallel must be"));
}

TEST(SetInConfig, ReplacesAValueAndNothingElse) {
    const std::string text = "# ä\n[runtime]\n  keep_alive = '1m'   # so\nparallel = 2\n";
    EXPECT_EQ(set_in_config(text, "runtime.keep_alive", "2m"),
              "# ä\n[runtime]\n  keep_alive = \"2m\"   # so\nparallel = 2\n");
    EXPECT_EQ(set_in_config("runtime.parallel=2", "runtime.parallel", "3"), "runtime.parallel=3");
    EXPECT_EQ(
        set_in_config("[server]\nlisten = [\n 'a',\n 'b' ] # two\n", "server.listen", "[\"127.0.0.1:1\"]"),
        "[server]\nlisten = [\"127.0.0.1:1\"] # two\n");
    EXPECT_EQ(set_in_config("runtime = { parallel = 2, threads = 1 }\n", "runtime.parallel", "3"),
              "runtime = { parallel = 3, threads = 1 }\n");
}

TEST(SetInConfig, AddsAKeyToItsSectionOrMakesOne) {
    EXPECT_EQ(set_in_config("", "runtime.parallel", "3"), "[runtime]\nparallel = 3\n");
    EXPECT_EQ(set_in_config("[runtime] # x\nthreads = 1\n[memory]\n", "runtime.parallel", "3"),
              "[runtime] # x\nparallel = 3\nthreads = 1\n[memory]\n");
    EXPECT_EQ(set_in_config("[memory]\nmargin = 1", "runtime.parallel", "3"),
              "[memory]\nmargin = 1\n\n[runtime]\nparallel = 3\n");
    EXPECT_EQ(set_in_config("runtime.threads = 1\n", "runtime.parallel", "3"),
              "runtime.parallel = 3\nruntime.threads = 1\n");
    EXPECT_EQ(set_in_config("", "models.\"a.b:c\".keep_alive", "-1"),
              "[models.\"a.b:c\"]\nkeep_alive = -1\n");
}

TEST(SetInConfig, QuotesWhatIsAText) {
    EXPECT_EQ(set_in_config("", "memory.ram_limit", "8GiB"), "[memory]\nram_limit = \"8GiB\"\n");
    EXPECT_EQ(set_in_config("", "runtime.backend", "ech\"o"), "[runtime]\nbackend = \"ech\\\"o\"\n");
    EXPECT_EQ(set_in_config("", "server.insecure_lan", "true"), "[server]\ninsecure_lan = true\n");
}

TEST(SetInConfig, RefusesWhatCannotBe) {
    const auto refused = [](const std::string& text, const std::string& key, const std::string& value) {
        return expect_error(ErrorCode::invalid_argument, [&] { set_in_config(text, key, value); });
    };
    EXPECT_EQ(refused("", "runtime.paralel", "2"), "runtime.paralel is not a setting");
    EXPECT_THAT(refused("", "runtime.parallel", "0"), HasSubstr("must be a whole number from 1 to 256"));
    EXPECT_THAT(refused("", "runtime.parallel", "1\nb = 2"), HasSubstr("must be a whole number"));
    EXPECT_THAT(refused("a = = 1\n", "runtime.parallel", "2"), HasSubstr("line 1"));
    EXPECT_THAT(refused("", "models.x", "2"), HasSubstr("is not a setting"));
    refused("", "models.\"x.keep_alive", "2");
    expect_error(ErrorCode::unsupported,
                 [] { set_in_config("runtime = { threads = 1 }\n", "runtime.parallel", "3"); });
}

TEST(UnsetInConfig, RemovesTheLineAndNothingElse) {
    EXPECT_EQ(unset_in_config("[runtime]\nparallel = 2 # x\nthreads = 1\n", "runtime.parallel"),
              "[runtime]\nthreads = 1\n");
    EXPECT_EQ(unset_in_config("runtime.parallel = 2", "runtime.parallel"), "");
    EXPECT_EQ(unset_in_config("[server]\nlisten = [\n 'a' ]\nhosts = 'x'\n", "server.listen"),
              "[server]\nhosts = 'x'\n");
    EXPECT_EQ(unset_in_config("a = 1\n", "runtime.parallel"), "a = 1\n");
}

} // namespace
} // namespace hearth
