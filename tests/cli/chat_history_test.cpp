#include "base/atomic_file.hpp"
#include "cli/chat/prompt_history.hpp"
#include "tests/base/temporary_dir.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <sys/stat.h>

namespace hearth::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class History : public ::testing::Test {
  protected:
    testing::TemporaryDir dir_;
    std::filesystem::path file_ = dir_.path() / "state/hearth/history";
    PromptHistory history_{file_};
};

TEST_F(History, IsEmptyBeforeTheFirstPrompt) {
    EXPECT_THAT(history_.load(), IsEmpty());
}

TEST_F(History, KeepsPromptsOfSeveralLinesAndBackslashes) {
    history_.add("one\ntwo");
    history_.add("C:\\new");
    history_.add("ends with \\");
    history_.add("grüße 日本");
    EXPECT_THAT(PromptHistory(file_).load(),
                ElementsAre("one\ntwo", "C:\\new", "ends with \\", "grüße 日本"));
}

TEST_F(History, HoldsEachPromptOnceWhereItWasLast) {
    for (const char* prompt : {"a", "b", "a", "c"}) {
        history_.add(prompt);
    }
    EXPECT_THAT(history_.load(), ElementsAre("b", "a", "c"));
}

TEST_F(History, IsForItsOwnerAlone) {
    history_.add("secret");
    struct stat status{};
    ASSERT_EQ(::stat(file_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(History, TakesAwayWhatOthersMayRead) {
    history_.add("old");
    std::filesystem::permissions(file_, std::filesystem::perms{0644});
    history_.add("secret");
    struct stat status{};
    ASSERT_EQ(::stat(file_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    EXPECT_THAT(history_.load(), ElementsAre("old", "secret"));
}

TEST_F(History, DoesNotWaitForTheReaderOfAFifo) {
    std::filesystem::create_directories(file_.parent_path());
    ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
    history_.add("x");
    EXPECT_THAT(history_.load(), IsEmpty());
}

TEST_F(History, ForgetsTheOldestAndShrinksItsFile) {
    for (int i = 0; i < 2500; ++i) {
        history_.add("prompt " + std::to_string(i));
    }
    const auto prompts = history_.load();
    ASSERT_EQ(prompts.size(), 1000u);
    EXPECT_EQ(prompts.front(), "prompt 1500");
    EXPECT_EQ(prompts.back(), "prompt 2499");
    EXPECT_EQ(std::ranges::count(read_file(file_), '\n'), 1000);
    EXPECT_EQ(history_.load(), prompts);
}

TEST_F(History, IsNoFailureWhereItCannotBe) {
    const PromptHistory nowhere("/proc/nowhere/history");
    nowhere.add("x");
    EXPECT_THAT(nowhere.load(), IsEmpty());
}

} // namespace
} // namespace hearth::cli
