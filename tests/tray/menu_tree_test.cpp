#include "tray/model/menu_tree.hpp"

#include <gtest/gtest.h>

namespace hearth::tray {
namespace {

using Property = MenuChange::Property;

MenuItem item(const std::string& key, const std::string& label, std::vector<MenuItem> children = {}) {
    MenuItem made;
    made.key = key;
    made.label = label;
    made.children = std::move(children);
    return made;
}

class TrayMenuTree : public ::testing::Test {
  protected:
    MenuChange change(const std::vector<MenuItem>& before, const std::vector<MenuItem>& after) {
        return compare(MenuTree(before, ids_), MenuTree(after, ids_));
    }
    MenuIds ids_;
};

TEST_F(TrayMenuTree, GivesAKeyTheSameNumberForEver) {
    const int first = ids_.id_of("a");
    const int second = ids_.id_of("b");
    EXPECT_NE(first, second);
    EXPECT_NE(first, 0) << "0 is the menu itself";
    EXPECT_EQ(ids_.id_of("a"), first);
}

TEST_F(TrayMenuTree, NeverGivesTheNumberOfAGoneItemToAnother) {
    const int gone = ids_.id_of("pull/a");
    MenuTree tree({item("pull/b", "B")}, ids_);
    EXPECT_EQ(tree.find(gone), nullptr);
}

TEST_F(TrayMenuTree, SeesNoChangeInAnEqualMenu) {
    const std::vector menu{item("a", "A", {item("b", "B")})};
    EXPECT_TRUE(change(menu, menu).nothing());
}

TEST_F(TrayMenuTree, TellsALabelAsAPropertyAndNothingElse) {
    const MenuChange found = change({item("a", "44 %"), item("b", "B")}, {item("a", "48 %"), item("b", "B")});
    EXPECT_FALSE(found.layout);
    const std::map<int, std::set<Property>> expected{{ids_.id_of("a"), {Property::label}}};
    EXPECT_EQ(found.properties, expected);
}

TEST_F(TrayMenuTree, TellsItemsThatCameOrWentBelowTheirParent) {
    const std::vector short_menu{item("a", "A", {item("b", "B")})};
    const std::vector long_menu{item("a", "A", {item("b", "B"), item("c", "C")})};
    for (const MenuChange& found : {change(short_menu, long_menu), change(long_menu, short_menu)}) {
        EXPECT_TRUE(found.layout);
        EXPECT_EQ(found.parent, ids_.id_of("a"));
    }
}

TEST_F(TrayMenuTree, TellsOfTheWholeMenuWhereTwoPlacesChange) {
    const MenuChange found =
        change({item("a", "A", {item("b", "B")}), item("c", "C")}, {item("a", "A", {item("d", "D")})});
    EXPECT_TRUE(found.layout);
    EXPECT_EQ(found.parent, 0);
}

TEST_F(TrayMenuTree, BuildsAnItemAnewThatBecomesASubmenu) {
    const MenuChange found = change({item("a", "A")}, {item("a", "A", {item("b", "B")})});
    EXPECT_TRUE(found.layout);
    EXPECT_EQ(found.parent, 0);
}

TEST_F(TrayMenuTree, TellsAToggleAsAProperty) {
    MenuItem off = item("a", "A");
    off.toggle = MenuItem::Toggle::check;
    MenuItem on = off;
    on.on = true;
    const MenuChange found = change({off}, {on});
    EXPECT_FALSE(found.layout);
    EXPECT_EQ(found.properties.at(ids_.id_of("a")), std::set{Property::toggle_state});
}

TEST_F(TrayMenuTree, TellsAnOrderThatChanged) {
    EXPECT_TRUE(change({item("a", "A"), item("b", "B")}, {item("b", "B"), item("a", "A")}).layout);
}

} // namespace
} // namespace hearth::tray
