#include "daemon/handlers/body.hpp"
#include "daemon/handlers/fields.hpp"
#include "daemon/handlers/routes.hpp"
#include "daemon/page_door.hpp"

#include <nlohmann/json.hpp>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

constexpr std::int64_t least_patience_seconds = 1;
constexpr std::int64_t most_patience_seconds = 86'400;

/// The link is for whoever reads it: it is made on api.sock alone.
asio::awaitable<void> open(Services& services, http::Request request, http::ResponseWriter& out) {
    const Json body = request.body.empty() ? Json::object() : parse_object(request.body);
    const auto asked = integer_field(body, "idle_seconds", least_patience_seconds, most_patience_seconds);
    const std::chrono::seconds patience = asked ? std::chrono::seconds(*asked) : PageDoor::usual_patience;
    const PageLink link = co_await services.page.open(patience);
    Json answer = {{"address", link.address},
                   {"url", link.url},
                   {"expires_in_seconds", PageSessions::ticket_lifetime.count()},
                   {"idle_seconds", patience.count()}};
    co_await out.send_json(200, std::move(answer));
}

} // namespace

void add_page_routes(http::Router& router, Services& services) {
    auto handler = [&services](http::Request request, http::ResponseWriter& out) {
        return open(services, std::move(request), out);
    };
    router.add({"POST", "/hearth/v1/open", http::Access::full, http::BodySize::json, handler,
                http::Served::socket_only});
}

} // namespace hearth::daemon
