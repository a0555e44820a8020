#include "cli/terminal.hpp"

#include <gtest/gtest.h>

namespace hearth::cli {
namespace {

TEST(TerminalText, IsUtf8AsUnicodeDefinesIt) {
    for (const char* good :
         {"", "a", "grüße", "日本", "🙂", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF4\x8F\xBF\xBF"}) {
        EXPECT_TRUE(is_text(good)) << good;
    }
    for (const char* bad :
         {"gr\xFC\xDF", "\x80", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE6\x97", "\xF0\x9F\x99"}) {
        EXPECT_FALSE(is_text(bad)) << bad;
    }
    EXPECT_FALSE(is_text(std::string_view("a\0b", 3)));
}

TEST(TerminalText, ShowsBytesThatAreNoTextAsReplacements) {
    EXPECT_EQ(as_text("caf\xE9 日 \x1b"), "caf\uFFFD 日 \x1b");
    EXPECT_EQ(as_text("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
    EXPECT_EQ(printable("a\x9b"
                        "2J\x1b[m\n"),
              "a\uFFFD2J\uFFFD[m\n")
        << "a control sequence where a terminal reads bytes";
}

} // namespace
} // namespace hearth::cli
