#include "daemon/event_bus.hpp"
#include "daemon/handlers/routes.hpp"

#include <boost/asio/this_coro.hpp>
#include <nlohmann/json.hpp>

#include <unistd.h>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

constexpr auto heartbeat = std::chrono::seconds(15);

std::string framed(const Json& event) {
    return "event: " + event.value("type", "") + "\ndata: " + to_text(event) + "\n\n";
}

asio::awaitable<void> events(Services& services, http::Request, http::ResponseWriter& out) {
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
    router.add({"GET", "/hearth/v1/events", http::Access::infer, http::BodySize::json, handler});
}

} // namespace hearth::daemon
