#pragma once

#include "tray/model/menu.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace hearth::tray {

/// Numbers for keys: the same for as long as the program runs, and never given to another key. A click that comes
/// late hits nothing else. One thread.
class MenuIds {
  public:
    int id_of(const std::string& key);

  private:
    std::map<std::string, int> ids_; // 0 is the menu itself
};

/// A menu by number: 0 is the menu itself.
class MenuTree {
  public:
    struct Node {
        MenuItem item;             ///< without its children
        std::vector<int> children; ///< their numbers
    };

    MenuTree();
    MenuTree(const std::vector<MenuItem>& menu, MenuIds& ids);

    /// nullptr: no such item, perhaps no longer.
    const Node* find(int id) const;
    const std::map<int, Node>& nodes() const noexcept { return nodes_; }

  private:
    std::vector<int> add(const std::vector<MenuItem>& items, MenuIds& ids);

    std::map<int, Node> nodes_;
};

/// What a host must be told when one menu takes the place of another.
struct MenuChange {
    enum class Property { label, enabled, toggle_state };

    bool layout = false;                          ///< items came, went, moved or became another kind
    int parent = 0;                               ///< of `layout`: the item below which all of it happened
    std::map<int, std::set<Property>> properties; ///< of items that are in both: only what changed

    bool nothing() const noexcept { return !layout && properties.empty(); }
};

MenuChange compare(const MenuTree& before, const MenuTree& after);

} // namespace hearth::tray
