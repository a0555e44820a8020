#include "tray/model/mnemonics.hpp"

#include <gtest/gtest.h>

#include <regex>

namespace hearth::tray {
namespace {

constexpr const char* names[] = {"plain",  "q4_K_M", "_start", "end_", "a__b",
                                 "a__b_c", "__",     "_",      "",     "big_model:q4_K_M — 4.9 GB",
                                 "___x"};

/// What XFCE, LXQt and others show: "__" is "_", a single one vanishes.
std::string as_specified(const std::string& label) {
    std::string shown;
    for (std::size_t at = 0; at < label.size(); ++at) {
        if (label[at] == '_') {
            ++at;
        }
        shown += at < label.size() ? label.substr(at, 1) : "";
    }
    return shown;
}

/// What GNOME's extension shows: its one replace.
std::string as_gnome_shows(const std::string& label) {
    return std::regex_replace(label, std::regex("_([^_])"), "$1", std::regex_constants::format_first_only);
}

TEST(TrayUnderscores, AreShownByHostsThatFollowTheSpecification) {
    for (const std::string name : names) {
        EXPECT_EQ(as_specified(escape_underscores(name, UnderscoreRule::doubled)), name);
    }
}

TEST(TrayUnderscores, AreShownByGnome) {
    for (const std::string name : names) {
        EXPECT_EQ(as_gnome_shows(escape_underscores(name, UnderscoreRule::first_alone)), name);
    }
}

} // namespace
} // namespace hearth::tray
