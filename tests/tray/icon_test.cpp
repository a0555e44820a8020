#include "base/atomic_file.hpp"
#include "tray/model/icon.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace hearth::tray {
namespace {

constexpr IconKind kinds[] = {IconKind::idle,    IconKind::active, IconKind::busy,
                              IconKind::stopped, IconKind::asleep, IconKind::attention};

TEST(TrayIcon, IsTheSameInTheThemeAndInPixels) {
    for (const IconKind kind : kinds) {
        const std::string file = read_file(fmt::format("{}/{}.svg", HEARTH_ICONS, icon_name(kind)));
        std::size_t from = 0;
        for (const IconShape& shape : icon_shapes(kind)) {
            const std::string path =
                fmt::format("<path fill=\"#{:06x}\" fill-rule=\"evenodd\" d=\"{}\"/>", shape.rgb, shape.path);
            const auto found = file.find(path, from);
            ASSERT_NE(found, std::string::npos) << icon_name(kind) << ": " << path;
            from = found;
        }
        EXPECT_EQ(std::count(file.begin(), file.end(), 'd') > 0, true);
    }
}

TEST(TrayIcon, HasClearCornersAndAFilledMiddle) {
    for (const IconKind kind : kinds) {
        const Pixmap pixmap = draw_icon(kind, std::nullopt, 32);
        ASSERT_EQ(pixmap.argb.size(), 4u * 32 * 32);
        EXPECT_EQ(pixmap.argb[0], 0) << "the corner is transparent";
        const std::size_t middle = 4 * (22 * 32 + 16);
        EXPECT_EQ(pixmap.argb[middle], 255) << icon_name(kind);
    }
}

TEST(TrayIcon, IsInNetworkOrder) {
    const Pixmap pixmap = draw_icon(IconKind::asleep, std::nullopt, 64);
    const std::uint8_t* log = &pixmap.argb[4 * (58 * 64 + 32)];
    EXPECT_EQ((std::vector<int>{log[0], log[1], log[2], log[3]}), (std::vector<int>{255, 0x6F, 0x8F, 0xB5}))
        << "A, R, G, B";
}

TEST(TrayIcon, LooksDifferentForEachKindAndProgress) {
    std::set<std::vector<std::uint8_t>> pictures;
    for (const IconKind kind : kinds) {
        pictures.insert(draw_icon(kind, std::nullopt, 22).argb);
    }
    for (const int twentieths : {0, 10, 20}) {
        pictures.insert(draw_icon(IconKind::busy, twentieths, 22).argb);
    }
    EXPECT_EQ(pictures.size(), std::size(kinds) + 3);
}

TEST(TrayIcon, HasABarWhoseEndIsSeenOnDarkAndOnLightPanels) {
    constexpr int dark_panel = 0x30;
    constexpr int light_panel = 0xF6;
    const Pixmap pixmap = draw_icon(IconKind::busy, 10, 64);
    const std::uint8_t* trough = &pixmap.argb[4UL * (57 * 64 + 50)];
    EXPECT_EQ(trough[0], 255);
    for (int channel = 1; channel <= 3; ++channel) {
        EXPECT_GE(trough[channel], dark_panel + 0x30);
        EXPECT_LE(trough[channel], light_panel - 0x30);
    }
}

} // namespace
} // namespace hearth::tray
