#include "base/time.hpp"
#include "tests/base/expect_error.hpp"

#include <gtest/gtest.h>

namespace hearth {
namespace {

using testing::expect_error;
using namespace std::chrono_literals;

TEST(GoDuration, ReadsWhatGoPrints) {
    EXPECT_EQ(parse_go_duration("10m"), 10min);
    EXPECT_EQ(parse_go_duration("1h30m"), 90min);
    EXPECT_EQ(parse_go_duration("1.5h"), 90min);
    EXPECT_EQ(parse_go_duration("-1m"), -1min);
    EXPECT_EQ(parse_go_duration("+2s"), 2s);
    EXPECT_EQ(parse_go_duration("300ms"), 300ms);
    EXPECT_EQ(parse_go_duration("1h0m0.5s"), 1h + 500ms);
    EXPECT_EQ(parse_go_duration(".5s"), 500ms);
    EXPECT_EQ(parse_go_duration("2\xC2\xB5s3us4ns"), 5us + 4ns);
    EXPECT_EQ(parse_go_duration("0"), 0s);
    EXPECT_EQ(parse_go_duration("9223372036854775807ns").count(), 9223372036854775807);
}

TEST(GoDuration, RefusesWhatGoRefuses) {
    for (const char* text : {"", "10", "-", "m", "1x", "1m2", "1 m", " 1m", ".s", "1.2.3s", "--1s", "forever",
                             "1h-1m", "9223372036854775808ns", "99999999999999h", "1e3s"}) {
        expect_error(ErrorCode::invalid_argument, [&] { parse_go_duration(text); });
    }
}

TEST(Rfc3339, HasNineDigitsAndIsUtc) {
    const WallTime time = WallTime(1700000000s + 1ms + 2ns);
    EXPECT_EQ(to_rfc3339(time), "2023-11-14T22:13:20.001000002Z");
    EXPECT_EQ(to_rfc3339(WallTime(-1ns)), "1969-12-31T23:59:59.999999999Z");
}

} // namespace
} // namespace hearth
