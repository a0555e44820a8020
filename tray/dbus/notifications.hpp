#pragma once

#include "tray/dbus/bus.hpp"
#include "tray/model/reduce.hpp"

#include <list>
#include <map>
#include <string>

namespace hearth::tray {

/// org.freedesktop.Notifications. A desktop without it gets none, and that is no error. Owned by the tray, ends before
/// the bus.
class Notifications {
  public:
    explicit Notifications(sd_bus* bus) : bus_(bus) {}
    Notifications(const Notifications&) = delete;

    /// Does not wait for the answer.
    void show(const Notice& notice, const std::string& icon);

  private:
    struct Call {
        Notifications* owner;
        std::string key;
        Slot slot;
    };
    static int on_shown(sd_bus_message* message, void* self, sd_bus_error* error);

    sd_bus* bus_;
    std::list<Call> calls_;
    std::map<std::string, std::uint32_t> shown_; ///< the desktop's number by key
};

/// Text for a body, which desktops may read as markup.
std::string escape_markup(const std::string& text);

} // namespace hearth::tray
