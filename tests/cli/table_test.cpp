#include "cli/table.hpp"
#include "cli/terminal.hpp"

#include <gtest/gtest.h>

#include <clocale>

namespace hearth::cli {
namespace {

class Table : public ::testing::Test {
  protected:
    Table() { std::setlocale(LC_CTYPE, "C.UTF-8"); }
};

TEST_F(Table, IsPaddedForPeople) {
    EXPECT_EQ(format_table({"NAME", "SIZE"}, {{"a", "1 GB"}, {"long-name", "2 GB"}}, 80),
              "NAME         SIZE\na            1 GB\nlong-name    2 GB\n");
}

TEST_F(Table, HasTabsForPrograms) {
    EXPECT_EQ(format_table({"NAME", "SIZE"}, {{"a b", "1 GB"}}, std::nullopt), "NAME\tSIZE\na b\t1 GB\n");
}

TEST_F(Table, CutsTheWidestColumnUntilARowFits) {
    const std::string text = format_table({"NAME", "SIZE"}, {{"a-very-long-name-of-a-model", "1 GB"}}, 24);
    EXPECT_EQ(text, "NAME                SIZE\na-very-long-nam\xE2\x80\xA6    1 GB\n");
}

TEST_F(Table, CountsColumnsNotBytes) {
    EXPECT_EQ(format_table({"N", "S"}, {{"\xE6\xA8\xA1\xE5\x9E\x8B", "1"}, {"\xC3\xA9", "2"}}, 80),
              "N       S\n\xE6\xA8\xA1\xE5\x9E\x8B    1\n\xC3\xA9       2\n");
}

TEST_F(Table, ShowsNoEscapeSequences) {
    EXPECT_EQ(format_table({"N"}, {{"a\x1b[31mb\nc"}}, std::nullopt), "N\na\xEF\xBF\xBD[31mb c\n");
}

TEST(Printable, KeepsTextAndReplacesControls) {
    EXPECT_EQ(printable("a\tb\n\xC3\xA9"), "a\tb\n\xC3\xA9");
    EXPECT_EQ(printable("\x1b]0;x\x07\r\xC2\x9B"), "\xEF\xBF\xBD]0;x\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Elide, NeverExceedsItsWidth) {
    for (std::size_t width = 0; width < 12; ++width) {
        EXPECT_LE(display_width(elide("0123456789", width)), width);
    }
    EXPECT_EQ(elide("0123456789", 10), "0123456789");
}

} // namespace
} // namespace hearth::cli
