#include "cli/service.hpp"

#include "base/error.hpp"
#include "base/paths.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/user_manager.hpp"
#include "process/start_service.hpp"
#include "protocol/sighting.hpp"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <cstdlib>
#include <poll.h>

namespace hearth::cli {
namespace {

constexpr std::chrono::seconds start_limit(10);
constexpr std::chrono::milliseconds retry_pause(3);
constexpr const char* socket_unit = "hearthd.socket";

[[noreturn]] void throw_not_started(const std::string& why) {
    throw Error(ErrorCode::daemon_unreachable, "the Hearth service did not start: " + why,
                "its log: " + paths::log_file().string());
}

/// A daemon that was told another place would start beside the socket that the user named.
void check_place(const std::filesystem::path& socket) {
    if (socket != paths::runtime_dir() / "api.sock") {
        throw Error(ErrorCode::daemon_unreachable, "no Hearth service answers at " + socket.string(),
                    "HEARTH_SOCKET names this place; start the service that owns it, or unset HEARTH_SOCKET");
    }
}

bool answers(const protocol::Client& client) {
    protocol::ClientRequest request;
    request.target = "/api/version";
    request.limit = start_limit;
    try {
        client.ask(request);
        return true;
    } catch (const Error& error) {
        if (error.code() != ErrorCode::daemon_unreachable) {
            throw;
        }
        return false;
    }
}

void wait_for_answer(const protocol::Client& client, process::StartedService& daemon, Interrupt& interrupt) {
    const auto deadline = std::chrono::steady_clock::now() + start_limit;
    while (!answers(client)) {
        if (const auto failure = daemon.failure()) {
            throw_not_started(*failure);
        }
        if (std::chrono::steady_clock::now() > deadline) {
            throw_not_started("no answer within 10 s");
        }
        pollfd watched{interrupt.fd(), POLLIN, 0};
        ::poll(&watched, 1, static_cast<int>(retry_pause.count()));
        interrupt.check();
    }
}

/// Where the user has enabled the service and its socket is not open, systemd opens it.
bool start_by_manager() {
    const bool usual_place =
        std::getenv("HEARTH_RUNTIME") == nullptr && std::getenv("HEARTH_DATA") == nullptr;
    if (!usual_place || user_manager::enabled_state(socket_unit) != "enabled") {
        return false;
    }
    try {
        user_manager::command({"start", socket_unit});
        return true;
    } catch (const Error& error) {
        note(std::string("warning: ") + error.what() + "\n");
        return false;
    }
}

} // namespace

Service::Service(Interrupt& interrupt, bool quiet)
    : interrupt_(interrupt), quiet_(quiet), client_(paths::api_socket(), interrupt.fd()) {}

bool Service::asleep() const {
    return protocol::look_at_service(client_.socket()).listener == protocol::Listener::asleep;
}

const protocol::Client& Service::started_client() {
    if (client_.reachable()) {
        return client_;
    }
    check_place(client_.socket());
    if (!quiet_) {
        note("starting the Hearth service\n");
    }
    if (start_by_manager()) {
        return client_;
    }
    process::StartedService daemon = process::start_service();
    wait_for_answer(client_, daemon, interrupt_);
    return client_;
}

} // namespace hearth::cli
