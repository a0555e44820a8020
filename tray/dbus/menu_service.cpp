#include "tray/dbus/menu_service.hpp"

#include "tray/dbus/menu_writer.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <ranges>
#include <utility>

namespace hearth::tray {
namespace {

constexpr const char* menu_interface = "com.canonical.dbusmenu";
int unknown_item(sd_bus_message* call) {
    return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_INVALID_ARGS, "there is no such item in the menu");
}

} // namespace

/// What the object looks like on the bus.
struct MenuService::Vtable {
    template <int (MenuService::*method)(sd_bus_message*)>
    static int call(sd_bus_message* message, void* self, sd_bus_error* /*error*/) {
        int result = 0;
        guarded([&] { result = (static_cast<MenuService*>(self)->*method)(message); });
        return result;
    }
    static int version(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void*,
                       sd_bus_error*) {
        return sd_bus_message_append(reply, "u", 3);
    }
    static int direction(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void*,
                         sd_bus_error*) {
        return sd_bus_message_append(reply, "s", "ltr");
    }
    static int status(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void*,
                      sd_bus_error*) {
        return sd_bus_message_append(reply, "s", "normal");
    }
    static int icon_paths(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void*,
                          sd_bus_error*) {
        return sd_bus_message_append(reply, "as", 0);
    }
    static const sd_bus_vtable* rows() {
        static const std::array table{
            sd_bus_vtable SD_BUS_VTABLE_START(0),
            sd_bus_vtable SD_BUS_METHOD("GetLayout", "iias", "u(ia{sv}av)", call<&MenuService::get_layout>,
                                        SD_BUS_VTABLE_UNPRIVILEGED),
            sd_bus_vtable SD_BUS_METHOD("GetGroupProperties", "aias", "a(ia{sv})",
                                        call<&MenuService::get_group_properties>, SD_BUS_VTABLE_UNPRIVILEGED),
            sd_bus_vtable SD_BUS_METHOD("GetProperty", "is", "v", call<&MenuService::get_property>,
                                        SD_BUS_VTABLE_UNPRIVILEGED),
            sd_bus_vtable SD_BUS_METHOD("Event", "isvu", "", call<&MenuService::event>,
                                        SD_BUS_VTABLE_UNPRIVILEGED),
            sd_bus_vtable SD_BUS_METHOD("EventGroup", "a(isvu)", "ai", call<&MenuService::event_group>,
                                        SD_BUS_VTABLE_UNPRIVILEGED),
            sd_bus_vtable SD_BUS_METHOD("AboutToShow", "i", "b", call<&MenuService::about_to_show>,
                                        SD_BUS_VTABLE_UNPRIVILEGED),
            sd_bus_vtable SD_BUS_METHOD("AboutToShowGroup", "ai", "aiai",
                                        call<&MenuService::about_to_show_group>, SD_BUS_VTABLE_UNPRIVILEGED),
            sd_bus_vtable SD_BUS_PROPERTY("Version", "u", version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
            sd_bus_vtable SD_BUS_PROPERTY("TextDirection", "s", direction, 0, SD_BUS_VTABLE_PROPERTY_CONST),
            sd_bus_vtable SD_BUS_PROPERTY("Status", "s", status, 0, SD_BUS_VTABLE_PROPERTY_CONST),
            sd_bus_vtable SD_BUS_PROPERTY("IconThemePath", "as", icon_paths, 0, SD_BUS_VTABLE_PROPERTY_CONST),
            sd_bus_vtable SD_BUS_SIGNAL("ItemsPropertiesUpdated", "a(ia{sv})a(ias)", 0),
            sd_bus_vtable SD_BUS_SIGNAL("LayoutUpdated", "ui", 0),
            sd_bus_vtable SD_BUS_SIGNAL("ItemActivationRequested", "iu", 0),
            sd_bus_vtable SD_BUS_VTABLE_END};
        return table.data();
    }
};

MenuService::MenuService(sd_bus* bus, const char* path, std::function<void(const Action&)> on_action)
    : bus_(bus), path_(path), on_action_(std::move(on_action)) {}

void MenuService::start() {
    sd_bus_slot* slot = nullptr;
    check(sd_bus_add_object_vtable(bus_, &slot, path_, menu_interface, Vtable::rows(), this),
          "publishing the menu");
    object_.reset(slot);
}

void MenuService::show(const std::vector<MenuItem>& menu) {
    MenuTree next(menu, ids_);
    const MenuChange change = compare(tree_, next);
    tree_ = std::move(next);
    if (object_ && !change.nothing()) {
        tell(change);
    }
}

void MenuService::set_underscore_rule(UnderscoreRule rule) {
    if (rule == std::exchange(rule_, rule)) {
        return;
    }
    MenuChange every_label;
    every_label.layout = true;
    tell(every_label);
}

void MenuService::tell(const MenuChange& change) {
    if (!change.properties.empty()) {
        tell_properties(change);
    }
    if (change.layout) {
        ++revision_;
        sd_bus_emit_signal(bus_, path_, menu_interface, "LayoutUpdated", "ui", revision_, change.parent);
    }
}

void MenuService::tell_properties(const MenuChange& change) {
    const BusMessage signal = new_signal(bus_, path_, menu_interface, "ItemsPropertiesUpdated");
    MessageWriter out(signal.get());
    const std::set<std::string> all;
    const MenuWriter items(tree_, rule_, all);
    out.open('a', "(ia{sv})");
    for (const auto& [id, changed] : change.properties) {
        items.changed(out, id, changed);
    }
    out.close();
    out.append("a(ias)", 0); // none that went back to what is taken for granted
    check(out.send(bus_), "telling the tray host of the menu");
}

int MenuService::get_layout(sd_bus_message* call) {
    int parent = 0;
    int depth = -1;
    std::set<std::string> wanted;
    int result = sd_bus_message_read(call, "ii", &parent, &depth);
    result = result < 0 ? result : read_names(call, wanted);
    if (result < 0) {
        return result;
    }
    if (tree_.find(parent) == nullptr) {
        return unknown_item(call);
    }
    const BusMessage reply = new_reply(call);
    MessageWriter out(reply.get());
    out.append("u", revision_);
    MenuWriter(tree_, rule_, wanted).node(out, parent, depth);
    return out.send(bus_);
}

int MenuService::get_group_properties(sd_bus_message* call) {
    std::vector<int> ids;
    std::set<std::string> wanted;
    int result = read_ids(call, ids);
    result = result < 0 ? result : read_names(call, wanted);
    if (result < 0) {
        return result;
    }
    if (ids.empty()) { // all of them
        std::ranges::copy(std::views::keys(tree_.nodes()), std::back_inserter(ids));
    }
    const BusMessage reply = new_reply(call);
    MessageWriter out(reply.get());
    const MenuWriter items(tree_, rule_, wanted);
    out.open('a', "(ia{sv})");
    for (const int id : ids) {
        if (tree_.find(id) != nullptr) { // else gone meanwhile
            items.properties(out, id);
        }
    }
    out.close();
    return out.send(bus_);
}

int MenuService::get_property(sd_bus_message* call) {
    int id = 0;
    const char* name = nullptr;
    if (const int result = sd_bus_message_read(call, "is", &id, &name); result < 0) {
        return result;
    }
    const MenuTree::Node* node = tree_.find(id);
    if (node == nullptr) {
        return unknown_item(call);
    }
    const std::string wanted(name);
    const MenuItem& item = node->item;
    if (wanted == "label" && !item.is_separator()) {
        return sd_bus_reply_method_return(call, "v", "s", escape_underscores(item.label, rule_).c_str());
    }
    if (wanted == "enabled") {
        return sd_bus_reply_method_return(call, "v", "b", item.enabled ? 1 : 0);
    }
    if (wanted == "visible") {
        return sd_bus_reply_method_return(call, "v", "b", 1);
    }
    if (wanted == "toggle-state") {
        return sd_bus_reply_method_return(call, "v", "i", item.on ? 1 : 0);
    }
    if (wanted == "type") {
        return sd_bus_reply_method_return(call, "v", "s",
                                          item.is_separator() && id != 0 ? "separator" : "standard");
    }
    return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_INVALID_ARGS, "the item has no such property");
}

/// @return whether the item is in the menu
bool MenuService::take_event(int id, const std::string& type) {
    const MenuTree::Node* node = tree_.find(id);
    if (node == nullptr) { // clicked too late: it means nothing now
        return false;
    }
    if (type == "clicked" && node->item.enabled && node->item.action) {
        const Action action = *node->item.action; // the menu may change while it is done
        on_action_(action);
    }
    return true;
}

int MenuService::event(sd_bus_message* call) {
    int id = 0;
    const char* type = nullptr;
    if (const int result = sd_bus_message_read(call, "is", &id, &type); result < 0) {
        return result;
    }
    const std::string happened(type);
    const int replied = sd_bus_reply_method_return(call, ""); // first: the action may end the program
    take_event(id, happened);
    return replied;
}

int MenuService::event_group(sd_bus_message* call) {
    std::vector<std::pair<int, std::string>> events;
    int result = sd_bus_message_enter_container(call, 'a', "(isvu)");
    while (result >= 0 && (result = sd_bus_message_enter_container(call, 'r', "isvu")) > 0) {
        int id = 0;
        const char* type = nullptr;
        result = sd_bus_message_read(call, "is", &id, &type);
        result = result < 0 ? result : sd_bus_message_skip(call, "vu");
        result = result < 0 ? result : sd_bus_message_exit_container(call);
        if (result >= 0) {
            events.emplace_back(id, type);
        }
    }
    if (result < 0) {
        return result;
    }
    std::vector<int> unknown;
    for (const auto& [id, type] : events) {
        if (tree_.find(id) == nullptr) {
            unknown.push_back(id);
        }
    }
    const BusMessage reply = new_reply(call);
    MessageWriter out(reply.get());
    out.ids(unknown);
    result = out.send(bus_);
    for (const auto& [id, type] : events) {
        take_event(id, type);
    }
    return result;
}

/// The menu is always up to date: no host needs to ask for it again.
int MenuService::about_to_show(sd_bus_message* call) {
    return sd_bus_reply_method_return(call, "b", 0);
}

int MenuService::about_to_show_group(sd_bus_message* call) {
    std::vector<int> ids;
    if (const int result = read_ids(call, ids); result < 0) {
        return result;
    }
    std::erase_if(ids, [this](int id) { return tree_.find(id) != nullptr; });
    const BusMessage reply = new_reply(call);
    MessageWriter out(reply.get());
    out.append("ai", 0); // none needs an update
    out.ids(ids);
    return out.send(bus_);
}

} // namespace hearth::tray
