#include "runtime/scheduler/crash_record.hpp"

#include <gtest/gtest.h>

namespace hearth::runtime {
namespace {

using namespace std::chrono_literals;

const CrashRecord::Time start{1h};

TEST(CrashRecord, ForgivesDeathsThatAreFarApart) {
    CrashRecord record;
    for (int minute = 0; minute < 10; ++minute) {
        record.note_death("key", "name", start + 31s * minute);
        EXPECT_EQ(record.put_aside_for("key", start + 31s * minute), std::nullopt);
    }
}

TEST(CrashRecord, PutsAsideForFiveMinutesAfterThreeDeathsInAMinute) {
    CrashRecord record;
    for (const auto at : {0s, 30s, 60s}) {
        record.note_death("key", "name", start + at);
    }
    EXPECT_EQ(record.put_aside_for("key", start + 60s), 300s);
    EXPECT_EQ(record.put_aside_for("key", start + 359s), 1s);
    EXPECT_EQ(record.put_aside_for("key", start + 360s), std::nullopt);
    EXPECT_EQ(record.put_aside_for("other", start + 60s), std::nullopt);
}

TEST(CrashRecord, ForgetsWhatAPersonForgives) {
    CrashRecord record;
    for (int death = 0; death < 3; ++death) {
        record.note_death("key", "name", start);
    }
    record.forgive("another name");
    EXPECT_TRUE(record.put_aside_for("key", start));
    record.forgive("name");
    EXPECT_FALSE(record.put_aside_for("key", start));
}

} // namespace
} // namespace hearth::runtime
