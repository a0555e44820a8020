#include "daemon/known_answer.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace hearth::daemon {
namespace {

KnownAnswers recorded() {
    KnownAnswers known;
    known.chats = {{"who?", "Ember."}, {"what?", "A model."}};
    known.texts = {{"a b", {{"x", -1.0}, {"y", -2.0}}}};
    known.tolerance = 0.1;
    return known;
}

TEST(KnownAnswer, passes_what_was_recorded) {
    const Verdict verdict = compare(recorded(), recorded());
    EXPECT_TRUE(verdict.passed());
    EXPECT_EQ(verdict.largest_difference, 0);
}

TEST(KnownAnswer, allows_rounding_and_other_tokens_beside_the_recorded_ones) {
    KnownAnswers got = recorded();
    got.texts[0].logprobs = {{"z", -0.5}, {"y", -1.95}, {"x", -1.09}};
    const Verdict verdict = compare(recorded(), got);
    EXPECT_TRUE(verdict.passed()) << verdict.fault;
    EXPECT_NEAR(verdict.largest_difference, 0.09, 1e-9);
}

TEST(KnownAnswer, fails_another_text) {
    KnownAnswers got = recorded();
    got.chats[1].answer = "A model";
    EXPECT_NE(compare(recorded(), got).fault.find("what?"), std::string::npos);
    got.chats.pop_back();
    EXPECT_FALSE(compare(recorded(), got).passed());
}

TEST(KnownAnswer, fails_a_probability_that_is_off) {
    KnownAnswers got = recorded();
    got.texts[0].logprobs[1].second = -2.2;
    EXPECT_NE(compare(recorded(), got).fault.find("0.2"), std::string::npos);
}

TEST(KnownAnswer, fails_a_token_that_is_gone_or_has_no_number) {
    KnownAnswers got = recorded();
    got.texts[0].logprobs.pop_back();
    EXPECT_FALSE(compare(recorded(), got).passed());
    got = recorded();
    got.texts[0].logprobs[0].second = std::nan("");
    EXPECT_FALSE(compare(recorded(), got).passed());
    got.texts.clear();
    EXPECT_FALSE(compare(recorded(), got).passed());
}

TEST(KnownAnswer, is_read_as_it_was_written) {
    const KnownAnswers again = KnownAnswers::parse(recorded().to_json().dump());
    EXPECT_EQ(again.chats.size(), 2u);
    EXPECT_EQ(again.chats[0].answer, "Ember.");
    EXPECT_EQ(again.texts[0].logprobs, recorded().texts[0].logprobs);
    EXPECT_EQ(again.tolerance, 0.1);
}

TEST(KnownAnswer, refuses_files_that_are_damaged_or_of_another_version) {
    for (const char* text :
         {"", "{}", R"({"version":2,"tolerance":1,"chats":[],"texts":[]})",
          R"({"version":1,"tolerance":1,"chats":[],"texts":[]})",
          R"({"version":1,"chats":[{"question":"a","answer":"b"}],"texts":[{"text":"a"}]})"}) {
        EXPECT_THROW(KnownAnswers::parse(text), Error) << text;
    }
}

} // namespace
} // namespace hearth::daemon
