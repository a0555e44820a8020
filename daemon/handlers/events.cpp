#include "base/error.hpp"
#include "daemon/event_bus.hpp"
#include "daemon/handlers/routes.hpp"

#include <boost/asio/this_coro.hpp>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <charconv>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds usual_heartbeat(15);
constexpr int longest_heartbeat_seconds = 3600;

/// How long the stream may be silent: `heartbeat=SECONDS` of the query. A client that sleeps between events asks for few.
std::chrono::seconds heartbeat_of(const http::Request& request) {
    const auto found = request.query.find("heartbeat");
    if (found == request.query.end()) {
        return usual_heartbeat;
    }
    const std::string& text = found->second;
    int seconds = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (failure != std::errc() || end != text.data() + text.size() || seconds < 1 ||
        seconds > longest_heartbeat_seconds) {
        throw Error(ErrorCode::invalid_argument, "heartbeat is a number of seconds, 1 to 3600");
    }
    return std::chrono::seconds(seconds);
}

std::string framed(const Json& event) {
    return "event: " + event.value("type", "") + "\ndata: " + to_text(event) + "\n\n";
}

asio::awaitable<void> events(Services& services, http::Request request, http::ResponseWriter& out) {
    const std::chrono::seconds heartbeat = heartbeat_of(request);
    const auto queue = services.events.subscribe(co_await asio::this_coro::executor);
    out.begin_sse();
    const Json hello = {{"type", "hello"}, {"version", HEARTH_VERSION}, {"pid", ::getpid()}};
    co_await out.write_raw(framed(hello));
    for (;;) {
        const std::optional<Json> event = co_await queue->next_within(heartbeat);
        if (!event && queue->closed()) {
            co_return;
        }
        co_await out.write_raw(event ? framed(*event) : ": heartbeat\n\n");
    }
}

} // namespace

void add_event_routes(http::Router& router, Services& services) {
    auto handler = [&services](http::Request request, http::ResponseWriter& out) {
        return events(services, std::move(request), out);
    };
    http::Route route{"GET", "/hearth/v1/events", http::Access::infer, http::BodySize::json, handler};
    route.watches = true; // a tray that looks on must not keep the service
    router.add(std::move(route));
}

} // namespace hearth::daemon
