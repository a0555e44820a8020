#pragma once

#include "tray/dbus/bus.hpp"
#include "tray/model/menu_tree.hpp"
#include "tray/model/mnemonics.hpp"

#include <functional>
#include <string>
#include <vector>

namespace hearth::tray {

/// com.canonical.dbusmenu for a menu tree. Tells hosts by the signal that fits what changed. Owned by the tray, ends
/// before the bus.
class MenuService {
  public:
    /// @param on_action  called when somebody chose an item that is in the menu now
    MenuService(sd_bus* bus, const char* path, std::function<void(const Action&)> on_action);
    MenuService(const MenuService&) = delete;

    /// Publishes the object. @throws Error backend_failed
    void start();
    /// Takes the place of the menu before.
    void show(const std::vector<MenuItem>& menu);
    void set_underscore_rule(UnderscoreRule rule);

  private:
    struct Vtable;

    int get_layout(sd_bus_message* call);
    int get_group_properties(sd_bus_message* call);
    int get_property(sd_bus_message* call);
    int event(sd_bus_message* call);
    int event_group(sd_bus_message* call);
    int about_to_show(sd_bus_message* call);
    int about_to_show_group(sd_bus_message* call);

    bool take_event(int id, const std::string& type);
    void tell(const MenuChange& change);
    void tell_properties(const MenuChange& change);

    sd_bus* bus_;
    const char* path_;
    std::function<void(const Action&)> on_action_;
    MenuIds ids_;
    MenuTree tree_;
    std::uint32_t revision_ = 1;
    UnderscoreRule rule_ = UnderscoreRule::doubled;
    Slot object_;
};

} // namespace hearth::tray
