#include "cli/human_time.hpp"

#include <gtest/gtest.h>

namespace hearth::cli {
namespace {

using namespace std::chrono_literals;

TEST(Rfc3339, IsReadWithEveryOffsetAndPrecision) {
    const Seconds expected(1700000000s);
    for (const char* text :
         {"2023-11-14T22:13:20Z", "2023-11-14T22:13:20.123456789Z", "2023-11-14T23:13:20+01:00",
          "2023-11-14T16:43:20.5-05:30", "2023-11-14t22:13:20z"}) {
        EXPECT_EQ(parse_rfc3339(text), expected) << text;
    }
    EXPECT_TRUE(parse_rfc3339("2318-03-05T00:00:00Z"));
}

TEST(Rfc3339, RefusesOtherTexts) {
    for (const char* text : {"", "yesterday", "2023-11-14", "2023-11-14T22:13:20", "2023-13-14T22:13:20Z",
                             "2023-02-30T00:00:00Z", "2023-11-14T22:13:20Zx", "-023-11-14T22:13:20Z",
                             "2023-11-14T22:13:20+0100"}) {
        EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
    }
}

TEST(RelativeTime, ReadsAsAPersonSaysIt) {
    const Seconds now(1700000000s);
    EXPECT_EQ(relative_time(now, now), "now");
    EXPECT_EQ(relative_time(now - 1s, now), "1 second ago");
    EXPECT_EQ(relative_time(now - 59s, now), "59 seconds ago");
    EXPECT_EQ(relative_time(now - 60s, now), "1 minute ago");
    EXPECT_EQ(relative_time(now - 49h, now), "2 days ago");
    EXPECT_EQ(relative_time(now + 299s, now), "4 minutes from now");
    EXPECT_EQ(relative_time(now - std::chrono::years(3), now), "3 years ago");
    EXPECT_EQ(relative_time(now + std::chrono::years(292), now), "Forever");
}

TEST(ShortDuration, KeepsTwoUnits) {
    EXPECT_EQ(short_duration(9s), "9s");
    EXPECT_EQ(short_duration(200s), "3m20s");
    EXPECT_EQ(short_duration(3900s), "1h05m");
}

} // namespace
} // namespace hearth::cli
