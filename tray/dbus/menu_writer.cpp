#include "tray/dbus/menu_writer.hpp"

namespace hearth::tray {

namespace {

constexpr const char* text = "s"; // the types of values, as D-Bus writes them
constexpr const char* flag = "b";
constexpr const char* number = "i";

void toggle_state(MessageWriter& out, const MenuItem& item) {
    out.append("{sv}", "toggle-state", number, item.on ? 1 : 0);
}

void enabled(MessageWriter& out, const MenuItem& item) {
    out.append("{sv}", "enabled", flag, item.enabled ? 1 : 0);
}

} // namespace

void MenuWriter::label(MessageWriter& out, const MenuItem& item) const {
    out.append("{sv}", "label", text, escape_underscores(item.label, rule_).c_str());
}

void MenuWriter::toggle(MessageWriter& out, const MenuItem& item) const {
    if (item.toggle == MenuItem::Toggle::none) {
        return;
    }
    if (asked("toggle-type")) {
        out.append("{sv}", "toggle-type", text,
                   item.toggle == MenuItem::Toggle::check ? "checkmark" : "radio");
    }
    if (asked("toggle-state")) {
        toggle_state(out, item);
    }
}

/// Without what a host takes for granted: enabled, visible, a standard item.
void MenuWriter::all_of(MessageWriter& out, int id, const MenuTree::Node& node) const {
    const bool is_menu = id == 0;
    if (!is_menu && node.item.is_separator()) {
        if (asked("type")) {
            out.append("{sv}", "type", text, "separator");
        }
        return;
    }
    if (!is_menu && asked("label")) {
        label(out, node.item);
    }
    if (!node.item.enabled && asked("enabled")) {
        enabled(out, node.item);
    }
    toggle(out, node.item);
    if ((is_menu || !node.children.empty()) && asked("children-display")) {
        out.append("{sv}", "children-display", text, "submenu");
    }
}

void MenuWriter::node(MessageWriter& out, int id, int depth) const {
    const MenuTree::Node* node = tree_.find(id);
    out.open('r', "ia{sv}av");
    out.append("i", id);
    out.open('a', "{sv}");
    all_of(out, id, *node);
    out.close();
    out.open('a', "v");
    if (depth != 0) {
        for (const int child : node->children) {
            out.open('v', "(ia{sv}av)");
            this->node(out, child, depth - 1);
            out.close();
        }
    }
    out.close();
    out.close();
}

void MenuWriter::properties(MessageWriter& out, int id) const {
    out.open('r', "ia{sv}");
    out.append("i", id);
    out.open('a', "{sv}");
    all_of(out, id, *tree_.find(id));
    out.close();
    out.close();
}

void MenuWriter::changed(MessageWriter& out, int id, const std::set<MenuChange::Property>& changed) const {
    using Property = MenuChange::Property;
    const MenuItem& item = tree_.find(id)->item;
    out.open('r', "ia{sv}");
    out.append("i", id);
    out.open('a', "{sv}");
    if (changed.contains(Property::label)) {
        label(out, item);
    }
    if (changed.contains(Property::enabled)) {
        enabled(out, item);
    }
    if (changed.contains(Property::toggle_state)) {
        toggle_state(out, item);
    }
    out.close();
    out.close();
}

} // namespace hearth::tray
