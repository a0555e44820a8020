#include "tray/model/menu_tree.hpp"

#include <utility>

namespace hearth::tray {

int MenuIds::id_of(const std::string& key) {
    const int next = static_cast<int>(ids_.size()) + 1;
    return ids_.try_emplace(key, next).first->second;
}

MenuTree::MenuTree() {
    nodes_[0];
}

MenuTree::MenuTree(const std::vector<MenuItem>& menu, MenuIds& ids) {
    nodes_[0].children = add(menu, ids);
}

std::vector<int> MenuTree::add(const std::vector<MenuItem>& items, MenuIds& ids) {
    std::vector<int> numbers;
    for (const MenuItem& item : items) {
        const int id = ids.id_of(item.key);
        Node node{item, add(item.children, ids)};
        node.item.children.clear();
        nodes_.insert_or_assign(id, std::move(node));
        numbers.push_back(id);
    }
    return numbers;
}

const MenuTree::Node* MenuTree::find(int id) const {
    const auto found = nodes_.find(id);
    return found != nodes_.end() ? &found->second : nullptr;
}

namespace {

using Property = MenuChange::Property;

/// A host builds another widget for it.
bool other_kind(const MenuItem& before, const MenuItem& after) {
    return before.is_separator() != after.is_separator() || before.toggle != after.toggle;
}

std::set<Property> changed_properties(const MenuItem& before, const MenuItem& after) {
    std::set<Property> changed;
    if (before.label != after.label) {
        changed.insert(Property::label);
    }
    if (before.enabled != after.enabled) {
        changed.insert(Property::enabled);
    }
    if (before.on != after.on) {
        changed.insert(Property::toggle_state);
    }
    return changed;
}

} // namespace

MenuChange compare(const MenuTree& before, const MenuTree& after) {
    MenuChange change;
    std::set<int> parents;
    for (const auto& [id, node] : after.nodes()) {
        const MenuTree::Node* old = before.find(id);
        if (old == nullptr) { // its parent's children differ
            continue;
        }
        if (old->children != node.children) {
            const bool became_submenu = old->children.empty() != node.children.empty();
            parents.insert(became_submenu ? 0 : id);
        }
        if (other_kind(old->item, node.item)) {
            parents.insert(0);
        } else if (auto changed = changed_properties(old->item, node.item); !changed.empty()) {
            change.properties[id] = std::move(changed);
        }
    }
    change.layout = !parents.empty();
    change.parent = parents.size() == 1 ? *parents.begin() : 0;
    return change;
}

} // namespace hearth::tray
