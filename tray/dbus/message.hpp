#pragma once

#include "tray/dbus/bus.hpp"

#include <set>
#include <string>
#include <vector>

namespace hearth::tray {

/// Appends to a message; after the first failure it does nothing, and `result` is that failure.
class MessageWriter {
  public:
    explicit MessageWriter(sd_bus_message* message) : message_(message) {}

    template <typename... Values> void append(const char* types, Values... values) {
        if (result_ >= 0) {
            result_ = sd_bus_message_append(message_, types, values...);
        }
    }
    void open(char kind, const char* contents) {
        if (result_ >= 0) {
            result_ = sd_bus_message_open_container(message_, kind, contents);
        }
    }
    void close() {
        if (result_ >= 0) {
            result_ = sd_bus_message_close_container(message_);
        }
    }
    void bytes(const std::vector<std::uint8_t>& values) {
        if (result_ >= 0) {
            result_ = sd_bus_message_append_array(message_, 'y', values.data(), values.size());
        }
    }
    void ids(const std::vector<int>& values) {
        if (result_ >= 0) {
            result_ = sd_bus_message_append_array(message_, 'i', values.data(), values.size() * sizeof(int));
        }
    }
    /// Negative: the errno of the first failure.
    int result() const noexcept { return result_; }
    /// Sends what was written. @return negative: an errno
    int send(sd_bus* bus) const { return result_ < 0 ? result_ : sd_bus_send(bus, message_, nullptr); }

  private:
    sd_bus_message* message_;
    int result_ = 0;
};

/// Read where the message stands. @return negative: an errno
int read_names(sd_bus_message* message, std::set<std::string>& names);
int read_ids(sd_bus_message* message, std::vector<int>& ids);

/// @throws Error backend_failed
BusMessage new_reply(sd_bus_message* call);
BusMessage new_signal(sd_bus* bus, const char* path, const char* interface, const char* member);

} // namespace hearth::tray
