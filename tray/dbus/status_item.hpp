#pragma once

#include "tray/dbus/bus.hpp"
#include "tray/model/appearance.hpp"
#include "tray/model/icon.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace hearth::tray {

/// The icon in the tray: org.kde.StatusNotifierItem. Owned by the tray, ends before the bus.
class StatusItem {
  public:
    static constexpr const char* path = "/StatusNotifierItem";
    static constexpr const char* menu_path = "/StatusNotifierItem/Menu";

    /// @param themes       folder of an icon theme that has our icons; empty: hosts get pixels alone
    /// @param on_activate  called at a click on the icon, where a host does not open the menu itself
    StatusItem(sd_bus* bus, std::filesystem::path themes, std::function<void()> on_activate);
    StatusItem(const StatusItem&) = delete;

    /// Publishes the object. @throws Error backend_failed
    void start();
    /// Tells hosts of what is new, and of nothing else.
    void show(const Appearance& appearance);
    /// A host gives a token before a click, and expects a window from then on: GNOME shows a busy cursor, for 15 seconds. Its call
    /// is answered when it is known whether one opens: by one of these two, or as if one did after a fifth of a second.
    void grant_token();
    void refuse_token();
    /// What a host gave to bring the window forward that we are about to open; once. Empty: nothing.
    std::string take_activation_token();

  private:
    struct Vtable;

    void hold_token(sd_bus_message* call, const char* token);
    int append_pixmaps(sd_bus_message* reply);
    int append_tooltip(sd_bus_message* reply) const;
    std::string themed_icon() const;
    void redraw();
    void emit(const char* signal) const;

    sd_bus* bus_;
    std::filesystem::path themes_;
    std::function<void()> on_activate_;
    Appearance appearance_;
    std::vector<Pixmap> pixmaps_;
    std::string activation_token_;
    BusMessage token_call_; ///< not answered yet
    Watch token_timer_;
    Slot object_;
};

} // namespace hearth::tray
