#include "base/atomic_file.hpp"
#include "tray/desktop/autostart.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace hearth::tray {
namespace {

class TrayAutostart : public ::testing::Test {
  protected:
    TrayAutostart() {
        std::string name = (std::filesystem::temp_directory_path() / "hearth-autostart-XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
        std::filesystem::create_directories(folder_ / "system");
    }
    ~TrayAutostart() override { std::filesystem::remove_all(folder_); }

    Autostart autostart() const {
        return {folder_ / "user", {folder_ / "system"}, "/opt/hearth/bin/hearth-tray"};
    }
    std::filesystem::path own() const { return folder_ / "user" / Autostart::file_name; }
    void install_for_all() const {
        write_file_atomically(folder_ / "system" / Autostart::file_name,
                              "[Desktop Entry]\nExec=hearth-tray\n", 0644);
    }

    std::filesystem::path folder_;
};

TEST_F(TrayAutostart, IsOffUntilTheUserTurnsItOn) {
    EXPECT_FALSE(autostart().is_on());
    autostart().turn_on();
    EXPECT_TRUE(autostart().is_on());
    EXPECT_NE(read_file(own()).find("\nExec=\"/opt/hearth/bin/hearth-tray\"\n"), std::string::npos);
}

TEST_F(TrayAutostart, LeavesNothingBehindWhenItIsTurnedOff) {
    autostart().turn_on();
    autostart().turn_off();
    EXPECT_FALSE(autostart().is_on());
    EXPECT_FALSE(std::filesystem::exists(own()));
    EXPECT_NO_THROW(autostart().turn_off()) << "twice is no error";
}

TEST_F(TrayAutostart, CoversTheSystemsEntryWhenItIsTurnedOff) {
    install_for_all();
    EXPECT_TRUE(autostart().is_on());
    autostart().turn_off();
    EXPECT_FALSE(autostart().is_on());
    autostart().turn_on();
    EXPECT_TRUE(autostart().is_on());
}

TEST_F(TrayAutostart, SeesWhatADesktopsOwnSettingsSwitchedOff) {
    std::filesystem::create_directories(own().parent_path());
    write_file_atomically(own(), "[Desktop Entry]\nX-GNOME-Autostart-enabled=false\n", 0644);
    EXPECT_FALSE(autostart().is_on());
}

TEST(TrayExec, QuotesWhatAShellWouldReadAndWhatAFieldCodeIs) {
    EXPECT_EQ(quoted_exec("/opt/my apps/hearth-tray"), "\"/opt/my apps/hearth-tray\"");
    EXPECT_EQ(quoted_exec("/a%b$c"), "\"/a%%b\\\\$c\"");
    EXPECT_EQ(quoted_exec("/a\\b"), "\"/a\\\\\\\\b\"");
}

} // namespace
} // namespace hearth::tray
