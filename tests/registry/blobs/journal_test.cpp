#include "registry/blobs/journal.hpp"

#include "base/sha256.hpp"

#include <gtest/gtest.h>

namespace hearth::registry {
namespace {

std::string line(std::uint64_t end) {
    return std::to_string(end) + " " + sha256_of(std::to_string(end)).hex() + "\n";
}
const std::string head = "hearth partial 1\nboot abc\n";

TEST(Journal, ReadsBootAndRecords) {
    const JournalText journal = parse_journal(head + line(8) + line(16) + "boot def\n" + line(24));
    EXPECT_EQ(journal.boot, "def");
    ASSERT_EQ(journal.records.size(), 3U);
    EXPECT_EQ(journal.records[1].end, 16U);
    EXPECT_EQ(journal.records[1].prefix, sha256_of("16"));
}

TEST(Journal, BelievesNothingBehindATornLine) {
    const std::string whole = head + line(8) + line(16);
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
        const JournalText journal = parse_journal(whole.substr(0, cut));
        const std::size_t right = cut < head.size() + line(8).size() ? 0 : 1;
        EXPECT_EQ(journal.records.size(), right) << cut;
    }
    EXPECT_EQ(parse_journal(head + line(8) + "1 2\n" + line(16)).records.size(), 1U);
}

TEST(Journal, RefusesRecordsThatDoNotRise) {
    EXPECT_EQ(parse_journal(head + line(8) + line(8)).records.size(), 1U);
    EXPECT_EQ(parse_journal(head + line(16) + line(8)).records.size(), 1U);
    EXPECT_EQ(parse_journal(head + line(0)).records.size(), 0U);
}

TEST(Journal, RefusesAnotherFormat) {
    EXPECT_TRUE(parse_journal("hearth partial 2\n" + line(8)).records.empty());
    EXPECT_TRUE(parse_journal(line(8)).records.empty());
    EXPECT_TRUE(parse_journal("").records.empty());
}

} // namespace
} // namespace hearth::registry
