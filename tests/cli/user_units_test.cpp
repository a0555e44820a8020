#include "cli/user_units.hpp"

#include "base/atomic_file.hpp"
#include "tests/base/scoped_variable.hpp"
#include "tests/base/temporary_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class UserUnits : public ::testing::Test {
  protected:
    std::string unit(const char* name) const { return read_file(user_unit_dir() / name); }

    testing::TemporaryDir dir_;
    testing::ScopedVariable data_{"XDG_DATA_HOME", dir_.path().c_str()};
};

TEST_F(UserUnits, NameTheProgramBesideThisOne) {
    EXPECT_EQ(write_user_units("/home/me/.local/bin/hearthd").size(), 2u);
    EXPECT_EQ(user_unit_dir(), dir_.path() / "systemd/user");
    EXPECT_THAT(unit("hearthd.service"), HasSubstr("\nExecStart=/home/me/.local/bin/hearthd\n"));
    EXPECT_THAT(unit("hearthd.service"), HasSubstr("\nType=notify\n"));
    EXPECT_THAT(unit("hearthd.socket"), HasSubstr("\nListenStream=%t/hearth/api.sock\n"));
    EXPECT_THAT(unit("hearthd.socket"),
                HasSubstr("\nExecStartPre=/home/me/.local/bin/hearth service stop -q\n"));
    EXPECT_THAT(unit("hearthd.service") + unit("hearthd.socket"), Not(HasSubstr("@")));
}

TEST_F(UserUnits, QuoteAPathAsSystemdReadsIt) {
    write_user_units("/home/my name/100%/hearthd");
    EXPECT_THAT(unit("hearthd.service"), HasSubstr("\nExecStart=\"/home/my name/100%%/hearthd\"\n"));
}

TEST_F(UserUnits, AreWrittenAgainOnlyWhenTheProgramHasMoved) {
    write_user_units("/old/hearthd");
    EXPECT_TRUE(write_user_units("/old/hearthd").empty());
    EXPECT_EQ(write_user_units("/new/hearthd").size(), 2u);
    EXPECT_THAT(unit("hearthd.service"), HasSubstr("/new/hearthd"));
    EXPECT_THAT(unit("hearthd.socket"), HasSubstr("/new/hearth "));
}

TEST_F(UserUnits, AreRemovedAndOthersAreNot) {
    write_user_units("/x/hearthd");
    write_file_atomically(user_unit_dir() / "hearthd.socket", "[Socket]\n");
    EXPECT_EQ(remove_user_units(), std::vector<std::filesystem::path>{user_unit_dir() / "hearthd.service"});
    EXPECT_EQ(unit("hearthd.socket"), "[Socket]\n");
}

} // namespace
} // namespace hearth::cli
