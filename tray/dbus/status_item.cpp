#include "tray/dbus/status_item.hpp"

#include "tray/dbus/message.hpp"

#include <array>
#include <utility>

namespace hearth::tray {
namespace {

constexpr const char* item_interface = "org.kde.StatusNotifierItem";
constexpr std::array icon_sizes{22, 32, 48};
constexpr std::uint64_t token_usec = 200'000; // from a token to the click that it is for, and more

void append_pixmap_list(MessageWriter& out, const std::vector<Pixmap>& pixmaps) {
    out.open('a', "(iiay)");
    for (const Pixmap& pixmap : pixmaps) {
        out.open('r', "iiay");
        out.append("ii", pixmap.width, pixmap.height);
        out.bytes(pixmap.argb);
        out.close();
    }
    out.close();
}

} // namespace

/// What the object looks like on the bus.
struct StatusItem::Vtable {
    static StatusItem& item(void* self) { return *static_cast<StatusItem*>(self); }

    template <const char* const& value>
    static int constant(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void*,
                        sd_bus_error*) {
        return sd_bus_message_append(reply, "s", value);
    }
    static int window(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void*,
                      sd_bus_error*) {
        return sd_bus_message_append(reply, "i", 0);
    }
    static int is_menu(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void*,
                       sd_bus_error*) {
        return sd_bus_message_append(reply, "b", 1); // a click opens the menu, where the host lets it
    }
    static int menu(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void*,
                    sd_bus_error*) {
        return sd_bus_message_append(reply, "o", menu_path);
    }
    static int title(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* self,
                     sd_bus_error*) {
        return sd_bus_message_append(reply, "s", item(self).appearance_.title.c_str());
    }
    static int icon(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* self,
                    sd_bus_error*) {
        return sd_bus_message_append(reply, "s", item(self).themed_icon().c_str());
    }
    static int themes(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* self,
                      sd_bus_error*) {
        return sd_bus_message_append(reply, "s", item(self).themes_.c_str());
    }
    static int pixmaps(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* self,
                       sd_bus_error*) {
        return item(self).append_pixmaps(reply);
    }
    static int no_pixmaps(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void*,
                          sd_bus_error*) {
        return sd_bus_message_append(reply, "a(iiay)", 0);
    }
    static int tooltip(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* self,
                       sd_bus_error*) {
        return item(self).append_tooltip(reply);
    }
    static int activate(sd_bus_message* call, void* self, sd_bus_error* /*error*/) {
        sd_bus_reply_method_return(call, "");
        guarded([&] { item(self).on_activate_(); });
        return 1;
    }
    static int ignore(sd_bus_message* call, void* /*self*/, sd_bus_error* /*error*/) {
        return sd_bus_reply_method_return(call, "");
    }
    static int take_token(sd_bus_message* call, void* self, sd_bus_error* /*error*/) {
        const char* token = nullptr;
        if (const int result = sd_bus_message_read(call, "s", &token); result < 0) {
            return result;
        }
        guarded([&] { item(self).hold_token(call, token); });
        return 1;
    }
    static int grant(sd_event_source* /*source*/, std::uint64_t /*usec*/, void* self) {
        return guarded([&] { item(self).grant_token(); });
    }

    static constexpr const char* category = "ApplicationStatus";
    static constexpr const char* id = "hearth";
    static constexpr const char* status = "Active";
    static constexpr const char* empty = "";
    static const sd_bus_vtable* rows();
};

const sd_bus_vtable* StatusItem::Vtable::rows() {
    static const std::array table{
        sd_bus_vtable SD_BUS_VTABLE_START(0),
        sd_bus_vtable SD_BUS_PROPERTY("Category", "s", constant<category>, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        sd_bus_vtable SD_BUS_PROPERTY("Id", "s", constant<id>, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        sd_bus_vtable SD_BUS_PROPERTY("Status", "s", constant<status>, 0, 0),
        sd_bus_vtable SD_BUS_PROPERTY("Title", "s", title, 0, 0),
        sd_bus_vtable SD_BUS_PROPERTY("WindowId", "i", window, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        sd_bus_vtable SD_BUS_PROPERTY("IconName", "s", icon, 0, 0),
        sd_bus_vtable SD_BUS_PROPERTY("IconThemePath", "s", themes, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        sd_bus_vtable SD_BUS_PROPERTY("IconPixmap", "a(iiay)", pixmaps, 0, 0),
        sd_bus_vtable SD_BUS_PROPERTY("IconAccessibleDesc", "s", title, 0, 0),
        sd_bus_vtable SD_BUS_PROPERTY("OverlayIconName", "s", constant<empty>, 0,
                                      SD_BUS_VTABLE_PROPERTY_CONST),
        sd_bus_vtable SD_BUS_PROPERTY("OverlayIconPixmap", "a(iiay)", no_pixmaps, 0,
                                      SD_BUS_VTABLE_PROPERTY_CONST),
        sd_bus_vtable SD_BUS_PROPERTY("AttentionIconName", "s", constant<empty>, 0,
                                      SD_BUS_VTABLE_PROPERTY_CONST),
        sd_bus_vtable SD_BUS_PROPERTY("AttentionIconPixmap", "a(iiay)", no_pixmaps, 0,
                                      SD_BUS_VTABLE_PROPERTY_CONST),
        sd_bus_vtable SD_BUS_PROPERTY("AttentionMovieName", "s", constant<empty>, 0,
                                      SD_BUS_VTABLE_PROPERTY_CONST),
        sd_bus_vtable SD_BUS_PROPERTY("AttentionAccessibleDesc", "s", title, 0, 0),
        sd_bus_vtable SD_BUS_PROPERTY("ToolTip", "(sa(iiay)ss)", tooltip, 0, 0),
        sd_bus_vtable SD_BUS_PROPERTY("ItemIsMenu", "b", is_menu, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        sd_bus_vtable SD_BUS_PROPERTY("Menu", "o", menu, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        sd_bus_vtable SD_BUS_METHOD("Activate", "ii", "", activate, SD_BUS_VTABLE_UNPRIVILEGED),
        sd_bus_vtable SD_BUS_METHOD("SecondaryActivate", "ii", "", activate, SD_BUS_VTABLE_UNPRIVILEGED),
        sd_bus_vtable SD_BUS_METHOD("ContextMenu", "ii", "", ignore, SD_BUS_VTABLE_UNPRIVILEGED),
        sd_bus_vtable SD_BUS_METHOD("Scroll", "is", "", ignore, SD_BUS_VTABLE_UNPRIVILEGED),
        sd_bus_vtable SD_BUS_METHOD("ProvideXdgActivationToken", "s", "", take_token,
                                    SD_BUS_VTABLE_UNPRIVILEGED),
        sd_bus_vtable SD_BUS_SIGNAL("NewTitle", "", 0),
        sd_bus_vtable SD_BUS_SIGNAL("NewIcon", "", 0),
        sd_bus_vtable SD_BUS_SIGNAL("NewAttentionIcon", "", 0),
        sd_bus_vtable SD_BUS_SIGNAL("NewOverlayIcon", "", 0),
        sd_bus_vtable SD_BUS_SIGNAL("NewToolTip", "", 0),
        sd_bus_vtable SD_BUS_SIGNAL("NewStatus", "s", 0),
        sd_bus_vtable SD_BUS_VTABLE_END};
    return table.data();
}

StatusItem::StatusItem(sd_bus* bus, std::filesystem::path themes, std::function<void()> on_activate)
    : bus_(bus), themes_(std::move(themes)), on_activate_(std::move(on_activate)) {}

void StatusItem::start() {
    sd_bus_slot* slot = nullptr;
    check(sd_bus_add_object_vtable(bus_, &slot, path, item_interface, Vtable::rows(), this),
          "publishing the icon");
    object_.reset(slot);
}

void StatusItem::show(const Appearance& appearance) {
    const Appearance before = std::exchange(appearance_, appearance);
    if (before.icon != appearance.icon || before.progress_twentieths != appearance.progress_twentieths) {
        pixmaps_.clear();
        emit("NewIcon");
    }
    if (before.title != appearance.title) {
        emit("NewTitle");
    }
    if (before.title != appearance.title || before.details != appearance.details) {
        emit("NewToolTip");
    }
}

/// A host that waits for the answer before it says what was clicked gets it a moment later.
void StatusItem::hold_token(sd_bus_message* call, const char* token) {
    grant_token();
    activation_token_ = token;
    token_call_.reset(sd_bus_message_ref(call));
    sd_event_source* timer = nullptr;
    check(sd_event_add_time_relative(sd_bus_get_event(bus_), &timer, CLOCK_MONOTONIC, token_usec, 0,
                                     Vtable::grant, this),
          "setting a timer");
    token_timer_.reset(timer);
}

void StatusItem::grant_token() {
    token_timer_.reset();
    if (const BusMessage call = std::move(token_call_)) {
        sd_bus_reply_method_return(call.get(), "");
    }
}

void StatusItem::refuse_token() {
    token_timer_.reset();
    activation_token_.clear();
    if (const BusMessage call = std::move(token_call_)) {
        sd_bus_reply_method_errorf(call.get(), "org.hearth.Tray.NoWindow", "what was chosen opens no window");
    }
}

std::string StatusItem::take_activation_token() {
    return std::exchange(activation_token_, {});
}

void StatusItem::emit(const char* signal) const {
    if (object_) {
        check(sd_bus_emit_signal(bus_, path, item_interface, signal, ""),
              "telling the tray host of the icon");
    }
}

/// A host prefers a name to pixels, and progress is in the pixels alone.
std::string StatusItem::themed_icon() const {
    const bool drawn = themes_.empty() || appearance_.progress_twentieths.has_value();
    return drawn ? std::string() : std::string(icon_name(appearance_.icon));
}

void StatusItem::redraw() {
    for (const int size : icon_sizes) {
        pixmaps_.push_back(draw_icon(appearance_.icon, appearance_.progress_twentieths, size));
    }
}

int StatusItem::append_pixmaps(sd_bus_message* reply) {
    MessageWriter out(reply);
    guarded([&] {
        if (pixmaps_.empty()) {
            redraw();
        }
        append_pixmap_list(out, pixmaps_);
    });
    return out.result();
}

int StatusItem::append_tooltip(sd_bus_message* reply) const {
    MessageWriter out(reply);
    out.open('r', "sa(iiay)ss");
    out.append("s", "");
    append_pixmap_list(out, {});
    out.append("ss", appearance_.title.c_str(), appearance_.details.c_str());
    out.close();
    return out.result();
}

} // namespace hearth::tray
