#include "process/program.hpp"

#include "base/unique_fd.hpp"
#include "tests/base/expect_error.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

namespace hearth::process {
namespace {

TEST(AskProgram, GivesWhatAProgramSaysOnBothStreamsAndItsExitCode) {
    const auto answer = ask_program({"sh", "-c", "echo out; echo err >&2; exit 3"});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->out, "out\n");
    EXPECT_EQ(answer->err, "err\n");
    EXPECT_EQ(answer->exit_code, 3);
}

TEST(AskProgram, KnowsProgramsThatAreNotThere) {
    EXPECT_FALSE(ask_program({"hearth-no-such-program"}));
}

TEST(AskProgram, EndsAProgramThatRunsPastItsTime) {
    const auto answer = ask_program({"sleep", "1000"}, std::chrono::milliseconds(1));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->exit_code, 124);
}

TEST(AskProgram, EndsAProgramWhenItIsToldToStop) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const UniqueFd stop(ends[0]);
    UniqueFd told(ends[1]);
    told.reset(); // the other end is readable from now on
    const auto answer = ask_program({"sleep", "1000"}, std::chrono::hours(1), stop.get());
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->exit_code, 130);
}

TEST(AskProgram, ReadsMoreThanAPipeHoldsAndKeepsAMebibyte) {
    const auto answer = ask_program({"head", "-c", "3000000", "/dev/zero"}, std::chrono::minutes(1));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->exit_code, 0);
    EXPECT_EQ(answer->out.size(), 1u << 20);
}

TEST(AskProgram, GivesItNoInput) {
    const auto answer = ask_program({"cat"});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->out, "");
}

TEST(RunOnTerminal, WaitsForTheEndAndTellsIt) {
    EXPECT_EQ(run_on_terminal({"sh", "-c", "exit 3"}), 3);
    EXPECT_EQ(run_on_terminal({"sh", "-c", "kill -9 $$"}), 137);
}

TEST(RunOnTerminal, RefusesProgramsThatAreNotThere) {
    testing::expect_error(ErrorCode::unsupported, [] { run_on_terminal({"hearth-no-such-program"}); });
}

} // namespace
} // namespace hearth::process
