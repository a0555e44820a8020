// From what is typed and pasted to what is asked.
#include "cli/chat/pastes.hpp"
#include "cli/chat/prompt_collector.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace hearth::cli {
namespace {

/// The prompt that the lines make; "…" while it is open.
std::string collect(std::initializer_list<std::string_view> lines) {
    PromptCollector collector;
    std::optional<Prompt> prompt;
    for (const std::string_view line : lines) {
        EXPECT_FALSE(prompt) << "complete before " << line;
        prompt = collector.take(line);
        EXPECT_EQ(collector.open(), !prompt);
    }
    return prompt ? prompt->text : "…";
}

TEST(PromptCollector, TakesALineAsItIs) {
    EXPECT_EQ(collect({"why is the sky blue?"}), "why is the sky blue?");
    EXPECT_EQ(collect({"say \"\"\" to me"}), "say \"\"\" to me");
}

TEST(PromptCollector, TakesLinesBetweenFences) {
    EXPECT_EQ(collect({"\"\"\"one", "two\"\"\""}), "one\ntwo");
    EXPECT_EQ(collect({"\"\"\"", "one", "", "two", "\"\"\""}), "one\n\ntwo");
    EXPECT_EQ(collect({"\"\"\"one\"\"\""}), "one");
    EXPECT_EQ(collect({"\"\"\"a \\", "b\"\"\" "}), "a \\\nb");
}

TEST(PromptCollector, IsOpenUntilTheSecondFence) {
    EXPECT_EQ(collect({"\"\"\"one", "two"}), "…");
    EXPECT_EQ(collect({"\"\"\""}), "…");
}

TEST(PromptCollector, TakesAFenceInASlashCommand) {
    EXPECT_EQ(collect({"/set system \"\"\"be", "brief\"\"\""}), "/set system be\nbrief");
}

TEST(PromptCollector, GoesOnAfterABackslash) {
    EXPECT_EQ(collect({"one\\", "two\\", "three"}), "one\ntwo\nthree");
    EXPECT_EQ(collect({"one\\"}), "…");
}

TEST(PromptCollector, TakesLineEndsThatWereTypedWithAlt) {
    EXPECT_EQ(collect({"one\ntwo"}), "one\ntwo");
}

TEST(PromptCollector, GivesTheSameTextWhenItIsEnteredAgain) {
    const std::vector<std::vector<std::string>> typed{{"\"\"\"one", "two\"\"\""}, {"a\\", "b"}, {"x"}};
    for (const auto& lines : typed) {
        PromptCollector collector;
        std::optional<Prompt> first;
        for (const std::string& line : lines) {
            first = collector.take(line);
        }
        ASSERT_TRUE(first);
        const auto again = PromptCollector().take(first->typed);
        ASSERT_TRUE(again) << first->typed;
        EXPECT_EQ(again->text, first->text);
    }
}

TEST(TypedAgain, IsWhatAsksTheSame) {
    EXPECT_EQ(as_typed_again("see one\ntwo", "see one\ntwo"), "see one\ntwo");
    EXPECT_EQ(as_typed_again("\"\"\"one\ntwo\"\"\"", "one\ntwo"), "\"\"\"one\ntwo\"\"\"");
    for (const char* pasted :
         {"/etc/hosts\nis a file", "a\\\nb", "ends with \\", "\"\"\"\nis a fence", "\"\"\"a\"\"\""}) {
        const auto again = as_typed_again(pasted, pasted);
        ASSERT_TRUE(again) << pasted;
        EXPECT_FALSE(again->starts_with('/')) << "that would be a command";
        EXPECT_EQ(PromptCollector().take(*again)->text, pasted);
    }
}

TEST(PromptCollector, ForgetsWhatWasBegunOnCtrlC) {
    PromptCollector collector;
    collector.take("\"\"\"one");
    collector.reset();
    EXPECT_FALSE(collector.open());
    EXPECT_EQ(collector.take("two")->text, "two");
}

TEST(Pastes, AreShownAsTheyAreWhenTheyAreShort) {
    EXPECT_EQ(Pastes().shown("short"), "short");
}

TEST(Pastes, AreShownAsMarksAndExpandedInPlace) {
    Pastes pastes;
    EXPECT_EQ(pastes.shown("a\nb\nc"), "[pasted #1, 3 lines]");
    EXPECT_EQ(pastes.shown(std::string(2000, 'x')), "[pasted #2, 1 line]");
    EXPECT_EQ(pastes.expand("see [pasted #1, 3 lines] and [pasted #2, 1 line]!"),
              "see a\nb\nc and " + std::string(2000, 'x') + "!");
    EXPECT_EQ(pastes.expand("[pasted #3, 3 lines] [pasted #1"), "[pasted #3, 3 lines] [pasted #1");
}

TEST(Pastes, AreNotExpandedInsideAnother) {
    Pastes pastes;
    pastes.shown("one\ntwo");
    const std::string mark = pastes.shown("[pasted #1, 2 lines]\n");
    EXPECT_EQ(pastes.expand(mark), "[pasted #1, 2 lines]\n");
}

TEST(Pastes, HaveTheLineEndsOfATextAndNoControlCharacters) {
    EXPECT_EQ(pasted_text("one\rtwo\r\nthree\n\r"), "one\ntwo\nthree");
    EXPECT_EQ(pasted_text("a\tb\x1b[31m\x07\x7f grüße"), "a\tb[31m grüße");
    EXPECT_EQ(pasted_text("a\r\rb"), "a\n\nb");
    EXPECT_EQ(pasted_text("caf\xE9"), "caf\uFFFD") << "libedit takes no line with a byte that is no text";
}

} // namespace
} // namespace hearth::cli
