#include "cli/arguments.hpp"
#include "tests/base/expect_error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::cli {
namespace {

using hearth::testing::expect_error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string refusal(const std::vector<std::string>& words) {
    return expect_error(ErrorCode::usage, [&] { parse_arguments(words); });
}

TEST(Arguments, OfRunAreRead) {
    const Arguments a = parse_arguments({"run", "m:q4", "why", "--temp", "0", "is", "--seed", "-3", "it",
                                         "--ctx", "512", "--max-tokens", "7", "--keep-alive", "-1",
                                         "--system", "short", "--backend", "echo"});
    EXPECT_EQ(a.command, "run");
    EXPECT_EQ(a.run.model, "m:q4");
    EXPECT_THAT(a.run.prompt, ElementsAre("why", "is", "it"));
    EXPECT_EQ(a.run.temperature, 0.0);
    EXPECT_EQ(a.run.seed, -3);
    EXPECT_EQ(a.run.memory.context_tokens, 512);
    EXPECT_EQ(a.run.max_tokens, 7);
    EXPECT_EQ(a.run.keep_alive, "-1");
    EXPECT_EQ(a.run.system, "short");
    EXPECT_EQ(a.run.backend, "echo");
}

TEST(Arguments, KeepAPromptAsItIsTyped) {
    EXPECT_THAT(parse_arguments({"run", "m", "[1,2, 3]", "[x"}).run.prompt, ElementsAre("[1,2, 3]", "[x"));
    EXPECT_THAT(parse_arguments({"run", "m", "a,b;c", "  x  ", ""}).run.prompt,
                ElementsAre("a,b;c", "  x  ", ""));
    EXPECT_THAT(parse_arguments({"run", "m", "--", "--json", "-x"}).run.prompt, ElementsAre("--json", "-x"));
}

TEST(Arguments, TakeGeneralOptionsBeforeAndAfterTheCommand) {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"--json", "-q", "list"}, {"ls", "--quiet", "--json"}}) {
        const Arguments a = parse_arguments(words);
        EXPECT_EQ(a.command, "list");
        EXPECT_TRUE(a.json);
        EXPECT_TRUE(a.quiet);
    }
}

TEST(Arguments, WithoutACommandAskForHelp) {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{}, {"-h"}, {"--help"}, {"--json"}, {"-q", "--json"}}) {
        EXPECT_EQ(parse_arguments(words).command, "help");
    }
    const Arguments a = parse_arguments({"pull", "--help"});
    EXPECT_EQ(a.command, "help");
    EXPECT_EQ(a.topic, "pull");
    EXPECT_EQ(parse_arguments({"--version"}).command, "version");
}

TEST(Arguments, ThatAreWrongAreUsageErrors) {
    EXPECT_EQ(refusal({"plul", "m"}), "\"plul\" is not a command");
    EXPECT_EQ(refusal({"pull"}), "model is required");
    EXPECT_THAT(refusal({"list", "--colour"}), HasSubstr("--colour"));
    EXPECT_THAT(refusal({"list", "extra"}), HasSubstr("extra"));
    EXPECT_THAT(refusal({"run", "m", "--temp", "warm"}), HasSubstr("must be a number, 0 or more"));
    EXPECT_THAT(refusal({"run", "m", "--ctx", "0"}), HasSubstr("must be a whole number above 0"));
    refusal({"run", "m", "--seed", "x"});
    refusal({"--frobnicate"});
    refusal({"rm"});
    EXPECT_THAT(refusal({"backend", "fetch"}), HasSubstr("must be one of list, install, use, remove"));
    EXPECT_THAT(refusal({"backend", "list", "--from", "x.tgz"}), HasSubstr("go with install alone"));
}

TEST(Arguments, ThatLackABackendAreToldTheWholeCommand) {
    const std::vector<std::vector<std::string>> told{
        {"install", "which backend is to be installed?",
         "hearth backend install NAME asks npm for it; hearth backend "
         "install --from FILE takes a tarball that is here"},
        {"use", "which backend is to be used?", "hearth backend use NAME; hearth backend list has the names"},
        {"remove", "which backend is to be removed?",
         "hearth backend remove NAME; hearth backend list has the names"}};
    for (const auto& row : told) {
        try {
            parse_arguments({"backend", row[0]});
            ADD_FAILURE() << row[0];
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::usage);
            EXPECT_EQ(error.what(), row[1]);
            EXPECT_EQ(error.hint(), row[2]);
        }
    }
}

TEST(Arguments, NameTheNearestCommand) {
    try {
        parse_arguments({"plul"});
        ADD_FAILURE();
    } catch (const Error& error) {
        EXPECT_EQ(error.hint(), "did you mean: hearth pull");
    }
}

TEST(HelpText, NamesEveryCommandAndExplainsEach) {
    for (const CommandSummary& row : command_summaries()) {
        EXPECT_THAT(help_text(""), HasSubstr("  " + row.name + " "));
        EXPECT_THAT(help_text(row.name), HasSubstr("hearth " + row.name));
    }
    expect_error(ErrorCode::usage, [] { help_text("nothing"); });
}

} // namespace
} // namespace hearth::cli
