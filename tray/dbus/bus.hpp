#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <memory>
#include <string>

/// sd-bus and sd-event, owned and checked. Everything here is on the thread that runs the event loop.
namespace hearth::tray {

struct BusDeleter {
    void operator()(sd_bus* bus) const noexcept { sd_bus_flush_close_unref(bus); }
};
using Bus = std::unique_ptr<sd_bus, BusDeleter>;

struct SlotDeleter {
    void operator()(sd_bus_slot* slot) const noexcept { sd_bus_slot_unref(slot); }
};
/// A registration or a call under way; letting it go ends it.
using Slot = std::unique_ptr<sd_bus_slot, SlotDeleter>;

struct LoopDeleter {
    void operator()(sd_event* event) const noexcept { sd_event_unref(event); }
};
using Loop = std::unique_ptr<sd_event, LoopDeleter>;

struct WatchDeleter {
    void operator()(sd_event_source* source) const noexcept { sd_event_source_disable_unref(source); }
};
using Watch = std::unique_ptr<sd_event_source, WatchDeleter>;

struct BusMessageDeleter {
    void operator()(sd_bus_message* message) const noexcept { sd_bus_message_unref(message); }
};
using BusMessage = std::unique_ptr<sd_bus_message, BusMessageDeleter>;

/// @param result  of a call: negative is an errno
/// @throws Error  backend_failed "what: strerror"
int check(int result, const std::string& what);

/// @throws Error  internal
Loop new_loop();

/// The session bus, attached to the loop; when it goes away the loop ends.
/// @throws Error  backend_failed, with a hint
Bus open_session_bus(sd_event* loop);

/// Logs the exception that is being handled.
void log_callback_failure() noexcept;

/// Runs what a callback does. C code is below it: an exception is logged and goes no further.
template <typename Work> int guarded(Work work) noexcept {
    try {
        work();
    } catch (...) {
        log_callback_failure();
    }
    return 0;
}

} // namespace hearth::tray
