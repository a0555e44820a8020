#include "base/error.hpp"
#include "daemon/app_token_file.hpp"
#include "daemon/app_tokens.hpp"
#include "daemon/handlers/body.hpp"
#include "daemon/handlers/fields.hpp"
#include "daemon/handlers/routes.hpp"

#include <nlohmann/json.hpp>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

Json time_or_null(const std::optional<WallTime>& time) {
    return time ? Json(to_rfc3339(*time)) : Json();
}

Json token_json(const AppToken& token) {
    return {{"id", token.id},
            {"name", token.name},
            {"scope", scope_name(token.access)},
            {"created_at", to_rfc3339(token.created_at)},
            {"expires_at", time_or_null(token.expires_at)},
            {"last_used_at", time_or_null(token.last_used_at)}};
}

asio::awaitable<void> list(Services& services, http::Request, http::ResponseWriter& out) {
    Json rows = Json::array();
    for (const AppToken& token : services.tokens.all()) {
        rows.push_back(token_json(token));
    }
    Json answer = {{"tokens", std::move(rows)}};
    co_await out.send_json(200, std::move(answer));
}

asio::awaitable<void> create(Services& services, http::Request request, http::ResponseWriter& out) {
    const Json body = parse_object(request.body);
    std::string name = require_string(body, "name");
    const http::Access access = parse_scope(string_field(body, "scope").value_or("infer"));
    std::optional<std::chrono::seconds> lifetime;
    if (const auto expires = string_field(body, "expires")) {
        lifetime = parse_lifetime(*expires);
    }
    const CreatedToken created = co_await services.tokens.create(std::move(name), access, lifetime);
    Json answer = token_json(created.token);
    answer["token"] = created.text;
    co_await out.send_json(201, std::move(answer));
}

asio::awaitable<void> revoke(Services& services, http::Request request, http::ResponseWriter& out) {
    std::string name = require_string(parse_object(request.body), "name");
    const AppToken revoked = co_await services.tokens.revoke(std::move(name));
    Json answer = token_json(revoked);
    answer["revoked"] = true;
    co_await out.send_json(200, std::move(answer));
}

} // namespace

void add_token_routes(http::Router& router, Services& services) {
    using Function = asio::awaitable<void> (*)(Services&, http::Request, http::ResponseWriter&);
    auto add = [&](const char* method, const char* pattern, Function function) {
        auto handler = [&services, function](http::Request request, http::ResponseWriter& out) {
            return function(services, std::move(request), out);
        };
        router.add(
            {method, pattern, http::Access::full, http::BodySize::json, handler, http::Served::socket_only});
    };
    add("GET", "/hearth/v1/tokens", list);
    add("POST", "/hearth/v1/tokens", create);
    add("DELETE", "/hearth/v1/tokens", revoke);
}

} // namespace hearth::daemon
