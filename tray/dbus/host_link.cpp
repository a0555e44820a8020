#include "tray/dbus/host_link.hpp"

#include "base/log.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace hearth::tray {
namespace {

constexpr const char* watcher_name = "org.kde.StatusNotifierWatcher";
constexpr const char* watcher_path = "/StatusNotifierWatcher";
constexpr int most_attempts = 5;
constexpr std::uint64_t retry_usec = 300'000; // times the attempt

HostLink& link_of(void* self) {
    return *static_cast<HostLink*>(self);
}

} // namespace

HostLink::HostLink(sd_bus* bus, std::function<void(UnderscoreRule)> on_rule)
    : bus_(bus), on_rule_(std::move(on_rule)) {}

void HostLink::start() {
    sd_bus_slot* slot = nullptr;
    const std::string rule =
        fmt::format("type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                    "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{}'",
                    watcher_name);
    check(sd_bus_add_match(bus_, &slot, rule.c_str(), on_owner_changed, this), "following the tray host");
    match_.reset(slot);
    ask_owner(watcher_name, on_owner, owner_call_);
}

void HostLink::ask_owner(const char* name, sd_bus_message_handler_t handler, Slot& slot) {
    sd_bus_slot* call = nullptr;
    check(sd_bus_call_method_async(bus_, &call, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                   "org.freedesktop.DBus", "GetNameOwner", handler, this, "s", name),
          "asking for a name's owner");
    slot.reset(call);
}

int HostLink::on_owner_changed(sd_bus_message* message, void* self, sd_bus_error* /*error*/) {
    const char* name = nullptr;
    const char* before = nullptr;
    const char* after = nullptr;
    if (sd_bus_message_read(message, "sss", &name, &before, &after) < 0) {
        return 0;
    }
    return guarded([&] { link_of(self).set_watcher(after); });
}

int HostLink::on_owner(sd_bus_message* message, void* self, sd_bus_error* /*error*/) {
    const char* owner = nullptr;
    if (sd_bus_message_is_method_error(message, nullptr) != 0 ||
        sd_bus_message_read(message, "s", &owner) < 0) {
        return 0; // nobody shows icons yet
    }
    return guarded([&] { link_of(self).set_watcher(owner); });
}

void HostLink::set_watcher(std::string owner) {
    if (owner == watcher_) {
        return;
    }
    watcher_ = std::move(owner);
    attempts_ = 0;
    retry_.reset();
    register_call_.reset();
    items_call_.reset();
    if (watcher_.empty()) {
        log::info("tray", "the tray host went away");
        return;
    }
    ask_owner("org.gnome.Shell", on_shell_owner, shell_call_);
}

/// GNOME's extension owns the watcher's name with the shell's own connection.
int HostLink::on_shell_owner(sd_bus_message* message, void* self, sd_bus_error* /*error*/) {
    HostLink& link = link_of(self);
    const char* owner = "";
    if (sd_bus_message_is_method_error(message, nullptr) == 0) {
        sd_bus_message_read(message, "s", &owner);
    }
    return guarded([&] {
        link.on_rule_(link.watcher_ == owner ? UnderscoreRule::first_alone : UnderscoreRule::doubled);
        link.register_item();
    });
}

/// By our unique name: a host that looks up a well-known name may be too early for it.
void HostLink::register_item() {
    const char* name = nullptr;
    sd_bus_slot* call = nullptr;
    ++attempts_;
    check(sd_bus_get_unique_name(bus_, &name), "asking for our name on the bus");
    check(sd_bus_call_method_async(bus_, &call, watcher_name, watcher_path, watcher_name,
                                   "RegisterStatusNotifierItem", on_registered, this, "s", name),
          "registering the tray icon");
    register_call_.reset(call);
}

int HostLink::on_registered(sd_bus_message* message, void* self, sd_bus_error* /*error*/) {
    HostLink& link = link_of(self);
    const bool refused = sd_bus_message_is_method_error(message, nullptr) != 0;
    return guarded([&] { refused ? link.retry_later() : link.ask_items(); });
}

void HostLink::ask_items() {
    sd_bus_slot* call = nullptr;
    check(sd_bus_call_method_async(bus_, &call, watcher_name, watcher_path, "org.freedesktop.DBus.Properties",
                                   "Get", on_items, this, "ss", watcher_name,
                                   "RegisteredStatusNotifierItems"),
          "asking the tray host for its icons");
    items_call_.reset(call);
}

/// A host that said yes may still have dropped us.
int HostLink::on_items(sd_bus_message* message, void* self, sd_bus_error* /*error*/) {
    HostLink& link = link_of(self);
    if (sd_bus_message_is_method_error(message, nullptr) != 0) { // a host that keeps no list
        return 0;
    }
    if (link.is_listed(message)) {
        log::info("tray", "the tray host shows the icon");
        return 0;
    }
    return guarded([&] { link.retry_later(); });
}

bool HostLink::is_listed(sd_bus_message* reply) const {
    const char* name = nullptr;
    sd_bus_get_unique_name(bus_, &name);
    const std::string_view own(name != nullptr ? name : "");
    if (sd_bus_message_enter_container(reply, 'v', "as") < 0 ||
        sd_bus_message_enter_container(reply, 'a', "s") < 0) {
        return true; // no list to be missing from
    }
    const char* item = nullptr;
    while (sd_bus_message_read(reply, "s", &item) > 0) { // ":1.7", ":1.7/StatusNotifierItem" or ":1.7@/path"
        const std::string_view text(item);
        const char after = text.size() > own.size() ? text[own.size()] : '/';
        if (text.starts_with(own) && (after == '/' || after == '@')) {
            return true;
        }
    }
    return false;
}

void HostLink::retry_later() {
    if (attempts_ >= most_attempts) {
        log::warning("tray", "the tray host does not take the icon");
        return;
    }
    sd_event_source* timer = nullptr;
    check(sd_event_add_time_relative(sd_bus_get_event(bus_), &timer, CLOCK_MONOTONIC, retry_usec * attempts_,
                                     0, on_retry, this),
          "setting a timer");
    retry_.reset(timer);
}

int HostLink::on_retry(sd_event_source* /*source*/, std::uint64_t /*usec*/, void* self) {
    return guarded([&] { link_of(self).register_item(); });
}

} // namespace hearth::tray
