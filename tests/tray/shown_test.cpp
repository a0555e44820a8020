#include "states.hpp"
#include "tray/model/state_json.hpp"

#include <gtest/gtest.h>

namespace hearth::tray {
namespace {

TEST(TrayOnce, PrintsTheMenuAsAPersonWouldSeeIt) {
    State state = testing::connected({"POST /hearth/v1/unload"});
    state.local.starts_at_login = true;
    EXPECT_EQ(shown_text(state), "Hearth: 1 model loaded, 4.9 GB\n"
                                 "---\n"
                                 "big_model:q4_K_M — 4.9 GB\n"
                                 "  llama: ram 4.9 GB\n"
                                 "  Unload\n"
                                 "---\n"
                                 "[x] Start at login\n"
                                 "Quit\n");
}

TEST(TrayOnce, PrintsTheWholeStateAsJson) {
    const Json shown = shown_json(testing::connected({}));
    EXPECT_EQ(shown.at("version"), 1);
    EXPECT_EQ(shown.at("service").at("phase"), "connected");
    EXPECT_EQ(shown.at("icon"), "hearth-tray-active");
    EXPECT_EQ(shown.at("loaded").at(0).at("name"), "big_model:q4_K_M");
    EXPECT_EQ(shown.at("menu").at(0).at("key"), "headline");
    EXPECT_EQ(shown.at("menu").back().at("label"), "Quit");
}

} // namespace
} // namespace hearth::tray
