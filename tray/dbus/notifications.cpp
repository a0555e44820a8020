#include "tray/dbus/notifications.hpp"

#include "base/log.hpp"
#include "tray/dbus/message.hpp"

namespace hearth::tray {
namespace {

constexpr const char* service = "org.freedesktop.Notifications";
constexpr const char* object = "/org/freedesktop/Notifications";
constexpr std::uint8_t normal = 1;
constexpr std::uint8_t critical = 2;
constexpr int desktops_choice = -1; // of how long it stays

BusMessage new_call(sd_bus* bus) {
    sd_bus_message* call = nullptr;
    check(sd_bus_message_new_method_call(bus, &call, service, object, service, "Notify"),
          "making a notification");
    return BusMessage(call);
}

} // namespace

std::string escape_markup(const std::string& text) {
    std::string escaped;
    for (const char c : text) {
        switch (c) {
        case '&':
            escaped += "&amp;";
            break;
        case '<':
            escaped += "&lt;";
            break;
        case '>':
            escaped += "&gt;";
            break;
        default:
            escaped += c;
        }
    }
    return escaped;
}

void Notifications::show(const Notice& notice, const std::string& icon) {
    const BusMessage message = new_call(bus_);
    MessageWriter out(message.get());
    const std::uint8_t urgency = notice.urgency == Notice::Urgency::critical ? critical : normal;
    out.append("susss", "Hearth", shown_[notice.key], icon.c_str(), notice.summary.c_str(),
               escape_markup(notice.body).c_str());
    out.append("as", 0); // nothing to choose
    out.append("a{sv}", 2, "urgency", "y", urgency, "desktop-entry", "s", "hearth-tray");
    out.append("i", desktops_choice);
    check(out.result(), "writing a notification");
    calls_.push_back({this, notice.key, nullptr});
    Call& call = calls_.back();
    sd_bus_slot* slot = nullptr;
    check(sd_bus_call_async(bus_, &slot, message.get(), on_shown, &call, 0), "sending a notification");
    call.slot.reset(slot);
}

int Notifications::on_shown(sd_bus_message* message, void* self, sd_bus_error* /*error*/) {
    Call& call = *static_cast<Call*>(self);
    Notifications& owner = *call.owner;
    return guarded([&] {
        std::uint32_t number = 0;
        if (sd_bus_message_is_method_error(message, nullptr) != 0) {
            log::info("tray", "the desktop shows no notifications");
        } else if (sd_bus_message_read(message, "u", &number) >= 0) {
            owner.shown_[call.key] = number;
        }
        owner.calls_.remove_if([&call](const Call& other) { return &other == &call; }); // ends `call`
    });
}

} // namespace hearth::tray
