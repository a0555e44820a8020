// Slash commands and what /set does.
#include "base/json.hpp"
#include "cli/arguments.hpp"
#include "cli/chat/settings.hpp"
#include "cli/chat/slash_table.hpp"
#include "cli/chat_request.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/temporary_dir.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>

namespace hearth::cli {
namespace {

using testing::expect_error;

template <class Action> std::string hint_of(Action action) {
    try {
        action();
    } catch (const Error& error) {
        return error.hint();
    }
    return "no error";
}

TEST(Slash, IsACommandAndTheRestOfTheLine) {
    const SlashCall call = parse_slash("/file  my notes.txt ");
    EXPECT_EQ(call.command, Slash::file);
    EXPECT_EQ(call.argument, "my notes.txt");
    EXPECT_EQ(parse_slash("/bye").command, Slash::bye);
}

TEST(Slash, KnowsTheNamesOfOtherPrograms) {
    EXPECT_EQ(parse_slash("/?").command, Slash::help);
    EXPECT_EQ(parse_slash("/exit").command, Slash::bye);
    const SlashCall call = parse_slash("/system be brief");
    EXPECT_EQ(call.command, Slash::set);
    EXPECT_EQ(call.argument, "system be brief");
}

TEST(Slash, NamesTheNearestOfAnUnknownCommand) {
    EXPECT_EQ(hint_of([] { parse_slash("/lode small"); }), "did you mean: /load");
    EXPECT_EQ(expect_error(ErrorCode::usage, [] { parse_slash("/etc/passwd what is this?"); }),
              "/etc/passwd is not a command");
    EXPECT_NE(hint_of([] { parse_slash("/etc/passwd"); }).find("after a space"), std::string::npos);
}

TEST(Slash, IsExplainedByHelp) {
    for (const SlashRow& row : slash_table()) {
        EXPECT_NE(slash_help().find(row.name), std::string::npos) << row.name;
    }
}

class Settings : public ::testing::Test {
  protected:
    std::string set(const std::string& what) { return apply_setting(options_, what); }
    Json body() { return chat_request(options_, Json::array()); }
    RunOptions options_;
};

TEST_F(Settings, HoldASystemTextOfSeveralLines) {
    set("system be\nbrief");
    EXPECT_EQ(options_.system, "be\nbrief");
    EXPECT_EQ(set("system"), "instructions are the model's own")
        << "the service takes those where a request has none";
    EXPECT_EQ(options_.system, "");
}

TEST_F(Settings, SendParametersInTheirTypes) {
    set("parameter temperature 0.2");
    set("parameter num_ctx 4096");
    set("parameter stop END");
    set("parameter stop [\"a\", \"b\"]");
    set("parameter llama_mode fast");
    EXPECT_EQ(body()["options"],
              Json::parse(R"({"temperature":0.2,"num_ctx":4096,"stop":["a","b"],"llama_mode":"fast"})"));
    set("parameter stop 5");
    EXPECT_EQ(body()["options"]["stop"], "5");
}

TEST_F(Settings, GiveAParameterBackToTheModel) {
    options_.temperature = 0.5;
    options_.memory.context_tokens = 64;
    gather_parameters(options_);
    EXPECT_EQ(body()["options"], Json::parse(R"({"temperature":0.5,"num_ctx":64})"));
    set("parameter temperature");
    EXPECT_EQ(body()["options"], Json::parse(R"({"num_ctx":64})"));
}

TEST_F(Settings, RefuseWhatIsNearlyAParameter) {
    EXPECT_EQ(hint_of([&] { set("parameter temprature 1"); }), "did you mean: /set parameter temperature");
    expect_error(ErrorCode::usage, [&] { set("parameter temperature hot"); });
    expect_error(ErrorCode::usage, [&] { set("parameter"); });
    EXPECT_FALSE(body().contains("options"));
}

TEST_F(Settings, ShapeAnswersAndFreeThemAgain) {
    const testing::TemporaryDir dir;
    std::ofstream(dir.path() / "s.json") << R"({"type":"object"})";
    set("format json");
    EXPECT_EQ(body()["format"], "json");
    set("format " + (dir.path() / "s.json").string());
    EXPECT_EQ(to_text(body()["format"]), R"({"type":"object"})");
    set("format off");
    EXPECT_FALSE(body().contains("format"));
    expect_error(ErrorCode::usage, [&] { set("format yaml"); });
}

TEST_F(Settings, SwitchThinkingVerbosityAndHistory) {
    set("think high");
    EXPECT_EQ(body()["think"], "high");
    set("nothink");
    EXPECT_EQ(body()["think"], false);
    expect_error(ErrorCode::usage, [&] { set("think deeply"); });
    set("verbose");
    EXPECT_TRUE(options_.verbose);
    set("quiet");
    EXPECT_FALSE(options_.verbose);
    set("history off");
    EXPECT_FALSE(options_.keep_history);
    set("keep-alive 0");
    EXPECT_EQ(body()["keep_alive"], 0);
}

TEST_F(Settings, NameTheNearestOfAnUnknownOne) {
    EXPECT_EQ(hint_of([&] { set("sistem x"); }), "did you mean: /set system");
    EXPECT_EQ(hint_of([&] { set("colour red"); }), "/set lists them");
    EXPECT_EQ(hint_of([&] { set("temperature 0.2"); }), "did you mean: /set parameter temperature");
    EXPECT_EQ(hint_of([&] { set("temprature 0.2"); }), "did you mean: /set parameter temperature");
}

TEST_F(Settings, AreListedWithTheirValues) {
    set("system be brief");
    const std::string text = settings_text(options_);
    for (const SettingRow& row : setting_table()) {
        EXPECT_NE(text.find(row.name), std::string::npos) << row.name;
    }
    EXPECT_NE(text.find("now: be brief"), std::string::npos) << text;
}

} // namespace
} // namespace hearth::cli
