#include "tray/dbus/bus.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

#include <exception>

namespace hearth::tray {

int check(int result, const std::string& what) {
    if (result < 0) {
        throw system_error(-result, what, ErrorCode::backend_failed);
    }
    return result;
}

Loop new_loop() {
    sd_event* loop = nullptr;
    check(sd_event_new(&loop), "making an event loop");
    return Loop(loop);
}

Bus open_session_bus(sd_event* loop) {
    sd_bus* opened = nullptr;
    if (const int result = sd_bus_open_user(&opened); result < 0) {
        Error error =
            system_error(-result, "connecting to the desktop's message bus", ErrorCode::backend_failed);
        error.set_hint(
            "the tray needs a desktop session: D-Bus at DBUS_SESSION_BUS_ADDRESS or in XDG_RUNTIME_DIR");
        throw error; // NOLINT(misc-throw-by-value-catch-by-reference)
    }
    Bus bus(opened);
    check(sd_bus_attach_event(bus.get(), loop, SD_EVENT_PRIORITY_NORMAL), "attaching the message bus");
    check(sd_bus_set_exit_on_disconnect(bus.get(), 1), "watching the message bus");
    return bus;
}

void log_callback_failure() noexcept {
    try {
        log::error("tray", to_error(std::current_exception()).what());
    } catch (...) {
        log::write(log::Level::error, "tray", "out of memory");
    }
}

} // namespace hearth::tray
