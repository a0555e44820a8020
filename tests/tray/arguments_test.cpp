#include "base/error.hpp"
#include "tray/arguments.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace hearth::tray {
namespace {

Arguments parse(std::vector<const char*> words) {
    return parse_arguments(words);
}

TEST(TrayArguments, ShowTheTrayWhenNothingIsSaid) {
    EXPECT_EQ(parse({}).action, Arguments::Action::show);
}

TEST(TrayArguments, PrintTheStateOnce) {
    const Arguments arguments = parse({"--once", "--json"});
    EXPECT_EQ(arguments.action, Arguments::Action::once);
    EXPECT_TRUE(arguments.json);
}

TEST(TrayArguments, RefuseWhatTheyDoNotKnow) {
    EXPECT_THROW(parse({"--onse"}), Error);
    EXPECT_THROW(parse({"--json"}), Error);
    EXPECT_THROW(parse({"small"}), Error);
}

} // namespace
} // namespace hearth::tray
