#include "tray/service/requests.hpp"

#include "base/error.hpp"
#include "base/paths.hpp"
#include "process/start_service.hpp"
#include "protocol/client.hpp"
#include "protocol/sighting.hpp"
#include "tray/service/reader.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <chrono>
#include <utility>

namespace hearth::tray {
namespace {

using Verb = Action::Verb;

constexpr std::chrono::seconds start_limit(15);
constexpr int look_pause_ms = 50;

std::vector<Source> sources_changed_by(Verb verb) {
    switch (verb) {
    case Verb::load:
    case Verb::unload:
        return {Source::loaded};
    case Verb::choose_default:
    case Verb::clear_default:
        return {Source::defaults};
    default:
        return {};
    }
}

} // namespace

std::string describe(const Action& action) {
    switch (action.verb) {
    case Verb::load:
        return "Loading " + action.model;
    case Verb::unload:
        return "Unloading " + action.model;
    case Verb::choose_default:
        return "Choosing " + action.model;
    case Verb::clear_default:
        return "Taking back the choice";
    case Verb::start_service:
    case Verb::wake_service:
        return "Starting the service";
    case Verb::open_page:
        return "Opening the page";
    case Verb::open_log:
        return "Opening the log";
    case Verb::toggle_autostart:
        return "Changing what starts at login";
    case Verb::quit:
        return "Quitting";
    }
    return "The action";
}

Requests::Requests(std::filesystem::path socket, Mailbox& mailbox, std::function<void(std::string)> open_page)
    : socket_(std::move(socket)), mailbox_(mailbox), open_page_(std::move(open_page)),
      interrupt_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!interrupt_) {
        throw system_error(errno, "making an interrupt", ErrorCode::internal);
    }
}

Requests::~Requests() {
    ::eventfd_write(interrupt_.get(), 1);
    for (Running& request : running_) {
        request.thread.join();
    }
}

void Requests::begin(const Action& action) {
    forget_finished();
    Running& request = running_.emplace_back();
    request.thread = std::thread([this, &request, action] {
        perform(action);
        request.done = true;
    });
}

void Requests::forget_finished() {
    std::erase_if(running_, [](Running& request) {
        if (request.done) {
            request.thread.join();
        }
        return !request.thread.joinable();
    });
}

void Requests::perform(const Action& action) {
    try {
        do_it(action);
        const protocol::Client client(socket_, interrupt_.get());
        std::vector<Message> changed;
        for (const Source source : sources_changed_by(action.verb)) {
            changed.emplace_back(Snapshot{source, client.get(std::string(target_of(source)))});
        }
        mailbox_.post(std::move(changed));
    } catch (...) {
        const Error error = to_error(std::current_exception());
        const bool is_told_by_event = error.code() == ErrorCode::memory_insufficient;
        if (error.code() != ErrorCode::cancelled && !is_told_by_event) { // cancelled by our end
            mailbox_.post(ActionFailed{describe(action), error.what(), error.hint()});
        }
    }
}

void Requests::do_it(const Action& action) {
    const protocol::Client client(socket_, interrupt_.get());
    switch (action.verb) {
    case Verb::load:
        client.post("/hearth/v1/load", {{"model", action.model}, {"stream", false}});
        return;
    case Verb::unload:
        client.post("/hearth/v1/unload", {{"model", action.model}});
        return;
    case Verb::choose_default:
        return change("PUT", action);
    case Verb::clear_default:
        return change("DELETE", action);
    case Verb::start_service:
        return start_service();
    case Verb::wake_service:
        client.get("/api/version");
        return;
    case Verb::open_page:
        return open_page();
    default:
        return;
    }
}

void Requests::change(const char* method, const Action& action) {
    Json body = Json::object();
    if (!action.model.empty()) {
        body["model"] = action.model;
    }
    if (!action.app.empty()) {
        body["app"] = action.app;
    }
    protocol::ClientRequest request;
    request.method = method;
    request.target = "/hearth/v1/default";
    request.body = to_text(body);
    protocol::Client(socket_, interrupt_.get()).ask(request);
}

void Requests::open_page() {
    const Json link = protocol::Client(socket_, interrupt_.get()).post("/hearth/v1/open", Json::object());
    open_page_(require_string(link, "url"));
}

void Requests::start_service() {
    process::StartedService service = process::start_service();
    const auto deadline = std::chrono::steady_clock::now() + start_limit;
    while (protocol::look_at_service(socket_).listener != protocol::Listener::service) {
        if (const auto failure = service.failure()) {
            throw Error(ErrorCode::daemon_unreachable, *failure, "its log: " + paths::log_file().string());
        }
        if (std::chrono::steady_clock::now() > deadline) {
            throw Error(ErrorCode::daemon_unreachable, "it does not answer",
                        "its log: " + paths::log_file().string());
        }
        pollfd interrupted{interrupt_.get(), POLLIN, 0};
        if (::poll(&interrupted, 1, look_pause_ms) > 0) {
            return;
        }
    }
}

} // namespace hearth::tray
