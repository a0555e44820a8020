#pragma once

#include "tray/dbus/message.hpp"
#include "tray/model/menu_tree.hpp"
#include "tray/model/mnemonics.hpp"

#include <set>
#include <string>

namespace hearth::tray {

/// Writes items of a menu as com.canonical.dbusmenu has them.
class MenuWriter {
  public:
    /// @param wanted  names of properties; empty: all. Read while this lives.
    MenuWriter(const MenuTree& tree, UnderscoreRule rule, const std::set<std::string>& wanted)
        : tree_(tree), rule_(rule), wanted_(wanted) {}

    /// (ia{sv}av): an item and `depth` levels below it; a negative depth is all.
    void node(MessageWriter& out, int id, int depth) const;
    /// (ia{sv})
    void properties(MessageWriter& out, int id) const;
    /// (ia{sv}) with nothing but what changed: a host that gets more may complain or build the item anew.
    void changed(MessageWriter& out, int id, const std::set<MenuChange::Property>& changed) const;

  private:
    bool asked(const char* name) const { return wanted_.empty() || wanted_.contains(name); }
    void all_of(MessageWriter& out, int id, const MenuTree::Node& node) const;
    void toggle(MessageWriter& out, const MenuItem& item) const;
    void label(MessageWriter& out, const MenuItem& item) const;

    const MenuTree& tree_;
    UnderscoreRule rule_;
    const std::set<std::string>& wanted_;
};

} // namespace hearth::tray
