#pragma once

#include "protocol/client.hpp"
#include "tray/model/reduce.hpp"

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace hearth::tray {

/// Reads the service's lists as messages for `reduce`. Blocking, on the caller's thread.
class Reader {
  public:
    explicit Reader(const protocol::Client& client) : client_(client) {}

    /// Every list that the service serves, capabilities first. @throws Error of protocol::Client
    std::vector<Message> read_all();
    /// These lists, as far as the service serves them. @throws Error of protocol::Client
    std::vector<Message> read(const std::vector<Source>& sources) const;

  private:
    const protocol::Client& client_;
    std::set<std::string> routes_; ///< as `State` has them
};

/// Where events are read: few heartbeats, for a socket tells at once when its other end is gone.
std::string events_target();

} // namespace hearth::tray
