#pragma once

#include "protocol/client.hpp"

namespace hearth::cli {

class Interrupt;

/// The service as commands see it: a client, and how to start it when nobody answers.
class Service {
  public:
    Service(Interrupt& interrupt, bool quiet);

    /// Asks whoever answers; starts nothing. Requests throw daemon_unreachable when nobody does.
    const protocol::Client& client() const noexcept { return client_; }
    /// As `client`, after starting `hearthd` when nobody answers, which stderr is told.
    /// @throws Error  daemon_unreachable: it does not start, or HEARTH_SOCKET names a place where it would
    /// not listen
    const protocol::Client& started_client();

    /// Whether the system listens in place of a service that does not run: a connection would start it. Looks without
    /// one.
    bool asleep() const;

    Interrupt& interrupt() const noexcept { return interrupt_; }

  private:
    Interrupt& interrupt_;
    bool quiet_;
    protocol::Client client_;
};

} // namespace hearth::cli
