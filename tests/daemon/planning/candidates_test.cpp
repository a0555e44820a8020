#include "daemon/planning/candidates.hpp"

#include <gmock/gmock.h>

namespace hearth::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SiblingTags, AreTheSameModelInAnotherQuantization) {
    EXPECT_THAT(sibling_tags("3b-instruct-q4_K_M",
                             {"3b-instruct-q8_0", "3b-instruct-q4_K_M", "1b-instruct-q8_0", "3b-text-q8_0",
                              "latest", "3b-instruct-fp16", "3b-instruct-q4_0"}),
                ElementsAre("3b-instruct-q4_0", "3b-instruct-q8_0"));
}

TEST(SiblingTags, ATagWithoutAQuantizationHasNone) {
    EXPECT_THAT(sibling_tags("latest", {"latest", "1b", "3b"}), IsEmpty());
    EXPECT_THAT(sibling_tags("", {"q8_0"}), IsEmpty());
}

TEST(SiblingTags, ATagThatIsAQuantizationAloneHasThoseThatAreToo) {
    EXPECT_THAT(sibling_tags("Q4_K_M", {"Q8_0", "Q4_K_M", "1b-q8_0"}), ElementsAre("Q8_0"));
}

} // namespace
} // namespace hearth::daemon
