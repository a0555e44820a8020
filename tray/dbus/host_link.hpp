#pragma once

#include "tray/dbus/bus.hpp"
#include "tray/model/mnemonics.hpp"

#include <functional>

namespace hearth::tray {

/// Keeps our item known to whichever tray host there is: registers when the watcher has an owner, now or later, and
/// again when it was lost. No host is no error. Owned by the tray, ends before the bus.
class HostLink {
  public:
    /// @param on_rule  called when the host takes underscores by another rule than before
    HostLink(sd_bus* bus, std::function<void(UnderscoreRule)> on_rule);
    HostLink(const HostLink&) = delete;

    /// Starts to follow the watcher. @throws Error backend_failed
    void start();

  private:
    static int on_owner_changed(sd_bus_message* message, void* self, sd_bus_error* error);
    static int on_owner(sd_bus_message* message, void* self, sd_bus_error* error);
    static int on_shell_owner(sd_bus_message* message, void* self, sd_bus_error* error);
    static int on_registered(sd_bus_message* message, void* self, sd_bus_error* error);
    static int on_items(sd_bus_message* message, void* self, sd_bus_error* error);
    static int on_retry(sd_event_source* source, std::uint64_t usec, void* self);

    void set_watcher(std::string owner);
    void ask_owner(const char* name, sd_bus_message_handler_t handler, Slot& slot);
    void register_item();
    void ask_items();
    void retry_later();
    bool is_listed(sd_bus_message* reply) const;

    sd_bus* bus_;
    std::function<void(UnderscoreRule)> on_rule_;
    std::string watcher_; ///< unique name of its owner; empty: no host
    int attempts_ = 0;    ///< with this owner
    Slot match_;
    Slot owner_call_;
    Slot shell_call_;
    Slot register_call_;
    Slot items_call_;
    Watch retry_;
};

} // namespace hearth::tray
