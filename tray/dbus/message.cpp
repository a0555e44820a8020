#include "tray/dbus/message.hpp"

namespace hearth::tray {

int read_names(sd_bus_message* message, std::set<std::string>& names) {
    int result = sd_bus_message_enter_container(message, 'a', "s");
    const char* name = nullptr;
    while (result >= 0 && (result = sd_bus_message_read(message, "s", &name)) > 0) {
        names.insert(name);
    }
    return result < 0 ? result : sd_bus_message_exit_container(message);
}

int read_ids(sd_bus_message* message, std::vector<int>& ids) {
    int result = sd_bus_message_enter_container(message, 'a', "i");
    int id = 0;
    while (result >= 0 && (result = sd_bus_message_read(message, "i", &id)) > 0) {
        ids.push_back(id);
    }
    return result < 0 ? result : sd_bus_message_exit_container(message);
}

BusMessage new_reply(sd_bus_message* call) {
    sd_bus_message* reply = nullptr;
    check(sd_bus_message_new_method_return(call, &reply), "making a reply");
    return BusMessage(reply);
}

BusMessage new_signal(sd_bus* bus, const char* path, const char* interface, const char* member) {
    sd_bus_message* signal = nullptr;
    check(sd_bus_message_new_signal(bus, &signal, path, interface, member), "making a signal");
    return BusMessage(signal);
}

} // namespace hearth::tray
