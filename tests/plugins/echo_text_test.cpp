#include "plugins/echo/text.hpp"

#include <gmock/gmock.h>

#include <cmath>

namespace hearth::echo {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(EchoText, SplitsSoThatThePiecesJoinedAreTheText) {
    EXPECT_THAT(split_words("so it\n goes "), ElementsAre("so", " it", "\n goes", " "));
    EXPECT_THAT(split_words(""), IsEmpty());
    EXPECT_THAT(split_words("  "), ElementsAre("  "));
    EXPECT_THAT(split_words("Grüße, 世界"), ElementsAre("Grüße,", " 世界"));
}

TEST(EchoText, GivesAPieceAlwaysTheSameToken) {
    EXPECT_EQ(token_of(" river"), token_of(" river"));
    EXPECT_NE(token_of(" river"), token_of("river"));
    EXPECT_GT(token_of(""), begin_of_text);
}

TEST(EchoText, EmbedsInAVectorOfLengthOneThatDependsOnTheText) {
    for (const char* text : {"", "a", "the river"}) {
        double squares = 0;
        for (const float value : embed(text)) {
            squares += static_cast<double>(value) * static_cast<double>(value);
        }
        EXPECT_NEAR(squares, 1.0, 1e-6) << text;
    }
    EXPECT_EQ(embed("a"), embed("a"));
    EXPECT_NE(embed("a"), embed("b"));
    EXPECT_EQ(embed("a").size(), 8u);
}

TEST(EchoText, CutsAtTheFirstStop) {
    std::string met;
    EXPECT_EQ(cut_at_stop("one two three", {"three", "two", ""}, met), "one ");
    EXPECT_EQ(met, "two");
    EXPECT_EQ(cut_at_stop("one", {"two"}, met), "one");
    EXPECT_EQ(met, "");
}

} // namespace
} // namespace hearth::echo
